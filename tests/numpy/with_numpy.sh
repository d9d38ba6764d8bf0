#!/usr/bin/env bash
# Runs a comparison by a Python that has NumPy, or says that there is none and ends with 77.
# with_numpy.sh SCRIPT LIBRARY      FUSEJIT_PEER_PYTHON: a Python to be tried first
set -euo pipefail
for python in ${FUSEJIT_PEER_PYTHON:+"$FUSEJIT_PEER_PYTHON"} python3 /usr/bin/python3; do
    if "$python" -c 'import numpy' 2>/dev/null; then
        exec "$python" "$@"
    fi
done
echo "skipped: no Python here has NumPy (FUSEJIT_PEER_PYTHON names another one)"
exit 77
