'use strict'

const assert = require('node:assert')
const { test } = require('node:test')
const { gcd, reduced, sum } = require('..')

test('the greatest common divisor', () => {
  assert.strictEqual(gcd(12, 18), 6)
})

test('lowest terms', () => {
  assert.deepStrictEqual(reduced(6, -8), [-3, 4])
})

test('a denominator of 0 is refused', () => {
  assert.throws(() => reduced(1, 0), RangeError)
})

test('a sum', () => {
  assert.deepStrictEqual(sum([1, 2], [1, 3]), [5, 6])
})
