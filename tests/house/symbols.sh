#!/usr/bin/env bash
# symbols.sh LIBRARY OBJECT_FOLDER: the library exports fusejit_* and nothing else; our own code
# calls nothing that exits, prints or installs handlers; no execution of data, no text relocations.
set -euo pipefail
library=$1 objects=$2
status=0
complain() { echo "$*"; status=1; }

others=$(nm -D --defined-only "$library" | awk '{print $NF}' | sed 's/@.*//' | grep -v '^fusejit_' || true)
[[ -z $others ]] || complain "exports that are not ours: $others"
count=$(nm -D --defined-only "$library" | grep -c ' fusejit_')
((count > 20)) || complain "only $count exports"

forbidden='exit|_exit|_Exit|quick_exit|abort|atexit|on_exit|printf|vprintf|puts|putchar|fprintf|vfprintf|fputs|perror|signal|sigaction|setlocale|srand|rand|system|popen'
found=$(find "$objects" -name '*.o' -not -path '*fusejit_embed*' -print0 |
    xargs -0 nm -A -u | grep -E " U ($forbidden)$" || true)
[[ -z $found ]] || complain "forbidden calls:"$'\n'"$found"

readelf -lW "$library" | grep -q 'GNU_STACK.* RWE' && complain "executable stack"
readelf -dW "$library" | grep -q TEXTREL && complain "text relocations"
exit $status
