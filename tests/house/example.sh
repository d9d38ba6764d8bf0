#!/usr/bin/env bash
# Runs an example: it must end well, and each pattern must match what it prints.
# example.sh PATTERNS PROGRAM [ARGUMENT]...      PATTERNS: extended regular expressions, by '|||'
set -euo pipefail
patterns=$1
shift
text=$("$@")
echo "$text"
while [[ -n $patterns ]]; do
    pattern=${patterns%%|||*}
    [[ $patterns == *'|||'* ]] && patterns=${patterns#*|||} || patterns=
    grep -Eq -- "$pattern" <<<"$text" || { echo "not printed: $pattern" >&2; exit 1; }
done
