#!/usr/bin/env bash
# Draws what bench/run.sh found at all sizes: plot.sh SIZES.tsv NAME makes NAME.svg and NAME.png
# (gnuplot). Left: an element of each subject, f32, 64 Ki elements; right: one chain at all sizes.
set -euo pipefail
data=$1 name=$2
command -v gnuplot >/dev/null || { echo "no gnuplot: no plot" >&2; exit 0; }
contenders=("fusejit" "plain C" "NumPy" "numexpr" "Numba" "PyTorch" "JAX" "Dr.Jit")
colours=(000000 999999 4c72b0 8172b3 55a868 c44e52 dd8452 937860)
n=$(awk -F'\t' '$2 == "f32" && $3 == 1 && $5 == "fusejit" && $4 <= 65536 && $4 > n { n = $4 } END { print n }' "$data")

points() { # CONTENDER: subject and time
    awk -F'\t' -v n="$n" -v c="$1" '
        $2 == "f32" && $3 == 1 && $4 == n {
            if (!($1 in at)) at[$1] = k++
            if ($5 == c) print at[$1], $6 }' "$data"
}
lines() { # CONTENDER: elements and time
    awk -F'\t' -v c="$1" '$1 == "gauss" && $2 == "f32" && $3 == 1 && $5 == c { print $4, $6 }' "$data"
}
ticks() {
    awk -F'\t' -v n="$n" '$2 == "f32" && $3 == 1 && $4 == n && !($1 in at) {
        
        at[$1] = k++
        printf "%s\"%s\" %d", (k > 1 ? ", " : ""), $1, at[$1] }' "$data"
}
plots() { # points or lines, style
    local separator=
    for i in "${!contenders[@]}"; do
        [[ -n $("$1" "${contenders[i]}") ]] || continue
        printf '%s"-" with %s lc rgb "#%s" pt %d ps 0.9 title "%s"' \
            "$separator" "$2" "${colours[i]}" $((i == 0 ? 7 : 5 + i)) "${contenders[i]}"
        separator=", "
    done
    echo
    for i in "${!contenders[@]}"; do
        [[ -n $("$1" "${contenders[i]}") ]] && { "$1" "${contenders[i]}"; echo e; }
    done
}
draw() { # terminal, file
    {
        echo "set terminal $1"
        echo "set output '$2'"
        echo "set multiplot"
        echo "set logscale y; set grid ytics lc rgb '#dddddd'; set ylabel 'ns an element, one thread'"
        echo "set size 0.6,0.99; set origin 0,0; set title 'f32, $n elements'"
        echo "set xtics rotate by 90 right ($(ticks)); set key off; set xrange [-1:*] noextend; set offsets 0,1,0,0"
        echo "plot $(plots points points)"
        echo "set size 0.4,1; set origin 0.6,0; set title 'exp(-x*x)*sin(y) + sqrt(abs(x)), f32'"
        echo "set logscale x; set offsets 0,0,0,0; set xrange [*:*]; set xtics norotate autofreq; set format x '10^{%L}'"
        echo "set xlabel 'elements'; set key below horizontal maxrows 2 samplen 2"
        echo "plot $(plots lines linespoints)"
        echo "unset multiplot"
    } | gnuplot
}
draw "svg size 1200,560 font 'sans-serif,12' background '#ffffff'" "$name.svg"
draw "pngcairo size 1200,560 font 'sans-serif,10'" "$name.png"
