#!/bin/sh
# A fictional province: simulated, landed, run, asked, held against the truth, and one row of the answer led back to its bytes.
# Needs `suwen` and its Python on the path (`make demo` sees to it); works in build/demo, which is made anew each time.
set -eu
cd "$(dirname "$0")/.."

demo=build/demo
region=$demo/region
answer=build/demo.txt
export PYTHONUTF8=1

# Breaks long lines; `fold` would break characters of several bytes.
wrap() {
    python -c 'import sys
for line in sys.stdin:
    line = line.rstrip("\n")
    print(line[:100])
    for at in range(100, len(line), 100):
        print(line[at:at + 100])'
}

say() { printf '\n== %s\n' "$1"; }

# Shows a command and what it prints; ends the demo where the command fails.
show() {
    printf '$ %s\n' "$shown" | wrap
    "$@" > "$answer" || { code=$?; cat "$answer"; exit "$code"; }
    wrap < "$answer"
}

# The first two lines of a file: folder, beginning of its name, encoding.
peek() {
    for file in "$demo/exports/$1"/*/"$2"*; do
        shown="head -n 2 $file | iconv -f $3 -t utf-8"
        show text "$3" head -n 2 "$file"
    done
}

# The first so many lines of what a command prints.
first() {
    lines=$1
    shift
    "$@" | sed "${lines}q"
}

# What a command prints, from an encoding.
text() {
    encoding=$1
    shift
    "$@" | iconv -f "$encoding" -t utf-8
}

ask() {
    shown="suwen query --region $region \"$1\""
    show suwen query --region "$region" "$1"
}

step() {
    shown="suwen $*"
    show suwen "$@"
}

rm -rf "$demo"
mkdir -p build

say "1. A province that does not exist: six hospitals, two years, files as six systems write them."
step simulate "$demo" --hospitals 6 --persons 2000 --years 2

say "2. One system writes pinyin headings, pipes and GB18030; another CSV with Chinese headings."
peek H0004/his BRXX gb18030
peek H0005/his 患者信息 utf-8

say "3. Landing keeps the files byte for byte, each with a receipt, all of a delivery or none of it."
step land --manifest "$demo/exports/deliveries.csv" --region "$region"

say "4. A run reads what has landed, maps it to the tables of OMOP CDM 5.4 and publishes one release."
step run --region "$region"

say "5. What was not taken in, and why: the files hold some 70 kinds of mistake, as real ones do."
shown="suwen quarantine list --region $region | head -9"
show first 9 suwen quarantine list --region "$region"

say "6. A question: in how many hospitals is one human known? (Linked by valid resident ids alone.)"
ask "
  select hospitals, count(*) as humans
  from (select master_person_id, count(*) as hospitals from ext.ext_person_link group by 1)
  group by 1 order by 1"

say "7. The repository beside the truth that the simulator counted; step 5 says what is missing."
shown="python examples/against_truth.py $demo"
show python examples/against_truth.py "$demo"

say "8. A question with a shape: colds by month, as the hospitals coded them."
ask "
  select strftime(condition_start_date, '%Y-%m') as month, count(*) as diagnoses
  from condition_occurrence where condition_source_value like 'J0%'
  group by 1 order by 1"

say "9. One row behind that answer, led back to its bytes and to the template lines that made it."
id=$(suwen query --region "$region" --format csv \
    "select min(condition_occurrence_id) from condition_occurrence where condition_source_value like 'J0%'" | sed -n 2p)
step trace condition_occurrence "$id" --region "$region"

say "10. The same bytes, cut from the landed file by another program."
object=$(sed -n '/^ *landing\/objects\//{s/^ *//p;q;}' "$answer")
offset=$(sed -n 's/.*bytes \([0-9]*\) to .*/\1/p' "$answer" | sed -n 1p)
length=$(sed -n 's/.*(\([0-9]*\) bytes).*/\1/p' "$answer" | sed -n 1p)
encoding=$(if grep -q 'of feed h0004-his' "$answer"; then echo gb18030; else echo utf-8; fi)
shown="dd bs=1 skip=$offset count=$length if=$region/$object | iconv -f $encoding -t utf-8"
show text "$encoding" dd if="$region/$object" bs=1 skip="$offset" count="$length" 2>/dev/null

say "11. What a commission asks: days in hospital by quarter, which hospitals and which patients moved them."
step indicator value EF01 --level province --period quarter --region "$region"
step indicator why EF01 --from 2025-Q1 --to 2025-Q3 --region "$region"
step indicator why EF01 --from 2025-Q1 --to 2025-Q3 --by age-band --region "$region"
rm -f "$answer"

printf '\nThe files, the region and the truth stay in %s.\n' "$demo"
printf 'README.md goes on from here with a CSV of your own, docs/guide/simulate.md with larger regions.\n'

# SERVE=0: ends here, as scripts want it.
[ "${SERVE:-1}" = 0 ] && exit 0
say "12. The same in the browser: the console of the region, until Ctrl+C."
exec suwen serve --region "$region"
