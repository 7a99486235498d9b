#!/usr/bin/env bash
# A faster LAMMPS for this project's decks, from a LAMMPS source tree, with clang alone.
#
#   lammps/build-intel.sh LAMMPS_SOURCE BUILD_FOLDER
#   binlj campaign run --lmp BUILD_FOLDER/lmp --lmp-args "-pk intel 0 mode mixed -sf intel" ...
#
# The INTEL package is written for Intel's compiler, itself a clang. An ordinary clang (19 or newer) vectorises the
# same loops once it is told to take that path (__INTEL_LLVM_COMPILER, -fopenmp-simd); with gcc they stay scalar.
# lj/cut/intel, its neighbour lists and time integration are kept; the package's other styles call Intel's maths
# library, which an ordinary clang lacks, and are left out. LAMMPS's own files are not touched: a copy is built.
# Check a new engine before its records count: `binlj validate engines` once the store holds records of both,
# and benchmarks/bench_engine.py for its speed.
set -euo pipefail
if [ $# -ne 2 ] || [ ! -f "$1/src/INTEL/pair_lj_cut_intel.cpp" ]; then
    echo "usage: $0 LAMMPS_SOURCE BUILD_FOLDER   (LAMMPS_SOURCE holds src/INTEL and cmake/)" >&2
    exit 2
fi
CXX=${CXX:-clang++-19}
command -v "$CXX" > /dev/null || { echo "$0: no $CXX; install clang 19 or newer, or set CXX" >&2; exit 2; }
mkdir -p "$2"
build=$(cd "$2" && pwd)
copy=$build/source
rm -rf "$copy"
mkdir "$copy"
cp -r "$1/cmake" "$1/src" "$1/lib" "$1/LICENSE" "$copy/"
[ ! -d "$1/python" ] || cp -r "$1/python" "$copy/"
[ ! -d "$1/third_party" ] || cp -r "$1/third_party" "$copy/"
cd "$copy/src/INTEL"
find . -maxdepth 1 \( -name 'pair_*' -o -name 'angle_*' -o -name 'bond_*' -o -name 'dihedral_*' -o -name 'improper_*' \
    -o -name 'pppm*' -o -name 'sna_*' -o -name 'verlet_*' \) ! -name 'pair_lj_cut_intel.*' -delete
# Declarations only: the functions are named in inline wrappers that nothing calls.
{
    echo '#include <immintrin.h>'
    echo 'extern "C" {'
    for f in recip invsqrt exp cos sin tan; do
        echo "__m512 _mm512_${f}_ps(__m512); __m512d _mm512_${f}_pd(__m512d);"
    done
    echo '__m512 _mm512_pow_ps(__m512, __m512); __m512d _mm512_pow_pd(__m512d, __m512d);'
    echo '__m512 _mm512_mask_recip_ps(__m512, __mmask16, __m512);'
    echo '__m512d _mm512_mask_recip_pd(__m512d, __mmask8, __m512d);'
    echo '}'
} > svml_declared.h
sed -i '0,/^#include/s//#include "svml_declared.h"\n#include/' intel_simd.h
cmake -S "$copy/cmake" -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$CXX" \
    -DBUILD_MPI=off -DBUILD_OMP=off -DPKG_INTEL=on -DINTEL_ARCH=cpu -DINTEL_LRT_MODE=none -DPKG_OPT=on \
    -DWITH_JPEG=off -DWITH_PNG=off -DWITH_GZIP=off -DWITH_CURL=off \
    -DCMAKE_CXX_FLAGS_RELEASE="-O3 -DNDEBUG -march=native -ffast-math -fopenmp-simd -D__INTEL_LLVM_COMPILER=20240000 -w"
cmake --build "$build" --target lmp -j "$(nproc)"
"$build/lmp" -h | sed -n 2p
