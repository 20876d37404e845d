'use strict'

/** The greatest common divisor of two whole numbers. */
function gcd (a, b) {
  return b === 0 ? Math.abs(a) : gcd(b, a % b)
}

/** A fraction in lowest terms, as `[numerator, denominator]`; the denominator is positive. */
function reduced (numerator, denominator) {
  if (denominator === 0) throw new RangeError('a denominator is not 0')
  const common = Math.sign(denominator) * gcd(numerator, denominator)
  return [numerator / common, denominator / common]
}

/** The sum of two fractions, in lowest terms. */
function sum ([a, b], [c, d]) {
  return reduced(a * d + c * b, b * d)
}

module.exports = { gcd, reduced, sum }
