#!/bin/sh
# Makes the static libptyexec: archive.sh OUTPUT FOLDER OBJCOPY AR PUBLIC.a... -- INNER.a... -- CC [ARG...]
#
# An archive has no visibility of its own: any symbol of any member binds to a stranger's. So its
# objects become one, in which all but the public ones are made local.
set -eu

output=$1 folder=$2 objcopy=$3 ar=$4
shift 4
public='' inner=''
while [ "$1" != -- ]; do
	public="$public $1"
	shift
done
shift
while [ "$1" != -- ]; do
	inner="$inner $1"
	shift
done
shift

mkdir -p "$folder"
# shellcheck disable=SC2086 # lists of words
"$@" -o "$folder/ptyexec.o" \
	-Wl,--whole-archive $public -Wl,--no-whole-archive -Wl,--start-group $inner -Wl,--end-group
"$objcopy" --localize-hidden "$folder/ptyexec.o"
rm -f "$output"
"$ar" -rcsD "$output" "$folder/ptyexec.o"
