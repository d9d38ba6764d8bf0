#!/usr/bin/env bash
# Installs what packages.txt, or the lists given, name and is missing (Debian 12, root or sudo).
# Quiet and without network when nothing is missing. For run.sh and test.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
while read -r package; do
    [[ -z $package || $package == \#* ]] && continue
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
        missing+=("$package")
done < <(cat "${@:-packages.txt}")
if ((${#missing[@]})); then
    echo "installing: ${missing[*]}" >&2
    as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || { echo "run as root, or install sudo" >&2; exit 1; }
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
