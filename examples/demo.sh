#!/bin/sh
# A region made from Synthea's files: landed, run, asked, and one row of the answer led back to its bytes.
# Needs `suwen` on the path (`make demo` sees to it); works in build/demo, which is made anew each time.
set -eu
cd "$(dirname "$0")/.."

region=build/demo
answer=build/demo.txt
width=100

say() { printf '\n== %s\n' "$1"; }

# Shows a command and what it prints; ends the demo where the command fails.
show() {
    printf '$ %s\n' "$shown" | fold -w "$width"
    "$@" > "$answer" || { code=$?; cat "$answer"; exit "$code"; }
    fold -w "$width" "$answer"
}

step() {
    shown="suwen $*"
    show suwen "$@"
}

rm -rf "$region"
mkdir -p build

say "1. A region is a folder. This one uses the pack core, which comes with Suwen."
step new "$region" --name demo --packs core --zone America/New_York
cp examples/synthea/region/organisations.csv "$region/organisations.csv"

say "2. A feed says who sends what: here Synthea's CSV export, read by the template synthea/csv."
step feed add synthea --template synthea/csv --organisation S001 --region "$region"

say "3. Landing keeps the files byte for byte, each with a receipt, all of them or none."
shown="suwen land synthea examples/synthea/*.csv --as-of 2024-01-01 --region $region"
show suwen land synthea examples/synthea/*.csv --as-of 2024-01-01 --region "$region"

say "4. A run reads what has landed, maps it to the tables of OMOP CDM 5.4 and publishes one release."
step run --region "$region"

say "5. The books: every record received has one state for each target of its template."
step ledger --region "$region"

say "6. A question: which five conditions have most people? (As the codes that the source sent.)"
question="
  select condition_source_value as code, count(distinct person_id) as persons, count(*) as records
  from condition_occurrence group by code order by persons desc, code limit 5"
shown="suwen query --region $region \"$question\""
show suwen query --region "$region" "$question"

say "7. One row behind that answer, led back to its bytes and to the template lines that made it."
first=$(sed -n '2s/ .*//p' "$answer")
id=$(suwen query --region "$region" --format csv \
    "select min(condition_occurrence_id) from condition_occurrence where condition_source_value = '$first'" | sed -n 2p)
step trace condition_occurrence "$id" --region "$region"

say "8. The same bytes, cut from the landed file by another program."
object=$(sed -n '/^ *landing\/objects\//{s/^ *//p;q;}' "$answer")
offset=$(sed -n 's/.*bytes \([0-9]*\) to .*/\1/p' "$answer" | sed -n 1p)
length=$(sed -n 's/.*(\([0-9]*\) bytes).*/\1/p' "$answer" | sed -n 1p)
shown="dd bs=1 skip=$offset count=$length if=$region/$object"
show dd if="$region/$object" bs=1 skip="$offset" count="$length" 2>/dev/null
rm -f "$answer"

printf '\nThe region stays in %s. README.md goes on from here with a CSV of your own.\n' "$region"
