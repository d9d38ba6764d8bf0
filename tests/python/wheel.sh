#!/usr/bin/env bash
# The package as a wheel holds it, library inside: found and used without any setting.
# wheel.sh BUILD_FOLDER      FUSEJIT_PEER_PYTHON: a Python to be tried first
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$1" --component python --prefix "$folder" >/dev/null
cp "$here"/../../python/fusejit/*.py "$folder/fusejit"
cat >"$folder/use.py" <<'PY'
import fusejit
assert fusejit.ufunc("sqrt(x*x + y*y)")(3.0, 4.0) == 5
assert fusejit._library.find().startswith(fusejit.__path__[0])
print("fusejit", fusejit.__version__)
PY
unset FUSEJIT_LIBRARY PYTHONPATH
cd "$folder"
exec "$here/../numpy/with_numpy.sh" use.py
