#!/bin/sh
# Sees to the programs and lays the data into a folder: prepare.sh FOLDER
# The data is that of Debian's package bowtie2-examples. Only root installs anything.
set -eu
data=$1/data
package=/usr/share/doc/bowtie2/examples
export DEBIAN_FRONTEND=noninteractive

missing=
for program in bowtie2 samtools bcftools; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
[ -d "$package/reads" ] || [ -e "$data/long.fq.gz" ] || missing="$missing bowtie2-examples"
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "This example needs$missing. Install them (Debian, as root: apt install$missing) and try again." >&2
        exit 1
    fi
    apt-get update --quiet=2
    # shellcheck disable=SC2086 # several words are meant
    apt-get install --yes --quiet=2 --no-install-recommends $missing >/dev/null
fi

mkdir -p "$data"
cd "$data"
if [ ! -d "$package/reads" ] && [ ! -e long.fq.gz ]; then
    # Systems that leave out the documentation of packages leave out the data, too.
    apt-get download --quiet=2 bowtie2-examples
    dpkg-deb -x bowtie2-examples_*.deb unpacked
    rm bowtie2-examples_*.deb
    package=unpacked$package
fi
while read -r from to; do
    [ -e "$to" ] || cp --preserve=timestamps "$package/$from" "$to"
done <<FILES
reference/lambda_virus.fa.gz lambda.fa.gz
reads/reads_1.fq.gz pairs_1.fq.gz
reads/reads_2.fq.gz pairs_2.fq.gz
reads/longreads.fq.gz long.fq.gz
FILES
rm -rf unpacked
