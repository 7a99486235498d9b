#!/usr/bin/env bash
# Everything that follows from a new version of the data, after `binlj publish`: retrains the baselines, reruns the
# paper's experiments, the explainability report and the physics checks, enters our own submissions again, rebuilds the
# page and the numbers in the documents. It takes hours on two cores; what is trained already is kept, so it can
# be stopped and run again. Read what it wrote, look at every picture, then commit.
#   docs/refresh.sh [models] [experiments] [reports]     in this order; default: all three
# models: train, enter, score, build the page; experiments: those of the paper; reports: explainability and physics.
set -euo pipefail
cd "$(dirname "$0")/.."
PARTS=" ${*:-models experiments reports} "
for part in $PARTS; do
    case $part in models | experiments | reports) ;; *) echo "no part $part: models, experiments or reports" >&2; exit 2 ;; esac
done
BINLJ=${BINLJ:-.venv/bin/binlj}
PYTHON=$(dirname "$BINLJ")/python
ask() { "$PYTHON" docs/refresh.py "$@"; }       # $(ask ...) only in assignments: elsewhere a failure goes unseen
DATA=$(ask data)
OUT=${OUT:-out/refresh/$DATA} # runs of other data never get in between
TRACKS=$(ask tracks)
REGIMES=equilibrium
[[ $TRACKS != *mixed_* ]] || REGIMES="equilibrium mixed"
NETWORKS="dnn dnn_physics" # three seeds each
OTHERS="fitted_theory integral_equation xgboost_physics xgboost"
OURS=" dnn dnn-physics fitted-theory integral-equation xgboost-physics xgboost simulation-repeated "
mkdir -p "$OUT" docs/reproduce docs/explain docs/validation
run() { echo "== binlj $*" >&2; "$BINLJ" "$@" >&2; }
seeds() { case " $NETWORKS " in *" $1 "*) echo 3 ;; *) echo 1 ;; esac; }

# An entry that is not made below must fit the data, or the page cannot be built hours from now.
for folder in leaderboard/submissions/*/; do
    id=$(basename "$folder")
    [[ $OURS == *" $id "* ]] || run submit check "$folder"
done

# All parts need the trained models. What is trained is kept; two at a time, one core each.
train() { # MODELS SEEDS
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 run reproduce benchmark --models "${1// /,}" --seeds "$2" --out "$OUT"
}
train "$OTHERS" 1
train "$NETWORKS" 3

# --- models: our own submissions, the page ---------------------------------------------------------
enter() { # ID MODEL [options of submit new]; every seed there is a run of
    local id=$1 model=$2 track folder found files=()
    shift 2
    found=$(ask runs "$OUT" "$model" extrapolation "$(seeds "$model")")
    run explain model $found --n-boot 20 --out "$OUT/enter/$model" --write-attributions "$OUT/enter/$model.parquet"
    for track in $TRACKS; do
        found=$(ask runs "$OUT" "$model" "$track" "$(seeds "$model")")
        for folder in $found; do
            files+=(-p $track "$folder/predictions.parquet" -m $track "$folder/metadata.json")
        done
    done
    rm -rf "leaderboard/submissions/$id"
    run submit new "$id" "${files[@]}" --attributions "$OUT/enter/$model.parquet" --author "The binlj-rdf authors" \
        --license CC-BY-4.0 --extra-training-data none \
        --code https://github.com/binlj-rdf/binlj-rdf "$@"
}

models() {
    run reproduce benchmark --models "${NETWORKS// /,},${OTHERS// /,}" --out "$OUT" # the report
    run reproduce rdf-model --out "$OUT"
    cp "$OUT/fitted.npz" core/theory/ # what binlj.rdf uses
    run reproduce timing --out "$OUT" # alone on the machine
    cp "$OUT"/{benchmark,timing}.md docs/reproduce/
    mkdir -p "$OUT/enter"
    enter dnn dnn --name "DNN of the paper (7-112-56-28-14-7-1)" --prior-knowledge none \
        --set description "Point-wise network with the paper's layers, ReLU, Adam 0.001, MSE, 1000 epochs, batch 250, standardised inputs; mean over three seeds"
    enter xgboost xgboost --name "XGBoost, point-wise" --prior-knowledge none \
        --set description "Gradient-boosted trees on the paper's seven inputs, settings tuned on training data only; seed 0" \
        --set notes "Parameters counts the nodes of all trees of the larger model."
    THEORY="equation of state (PeTS), integral equation (Ornstein-Zernike)"
    PETS="PeTS was fitted by its authors to simulations of the truncated and shifted Lennard-Jones fluid."
    enter integral-equation integral_equation --name "Integral equation (no training)" --prior-knowledge "$THEORY" \
        --set description "Ornstein-Zernike equation with the Duh-Henderson closure; phases by the PeTS equation of state with chemical potentials at infinite dilution from the integral equation, two-phase geometry in the periodic box; nothing is trained" \
        --set parameters 0 --set notes "$PETS"
    enter fitted-theory fitted_theory --name "Fitted theory" --prior-knowledge "$THEORY" \
        --set description "The theory of the integral-equation entry, with density and Gibbs energy corrected by training data, plus residuals of the training states carried over by a Gaussian process" \
        --set notes "Parameters counts corrections and residual curves. $PETS"
    enter xgboost-physics xgboost_physics --name "XGBoost on the integral equation" --prior-knowledge "$THEORY" \
        --set description "Gradient-boosted trees on the residual of the integral equation, weighted by cross-validation; seed 0" \
        --set notes "Parameters counts the nodes of all trees of the larger model. $PETS"
    enter dnn-physics dnn_physics --name "DNN on the integral equation" --prior-knowledge "$THEORY" \
        --set description "Network with the paper's layers on the residual of the integral equation, weighted by cross-validation; mean over three seeds" \
        --set notes "$PETS"
    # The states simulated again, where that was done for this version (`binlj validate repeat` simulates).
    if [ -d builders/campaigns/repeat ]; then
        run validate repeat --no-run --out docs/validation
        rm -rf leaderboard/submissions/simulation-repeated
        extrapolation=$(ask seconds builders/campaigns/repeat extrapolation)
        interpolation=$(ask seconds builders/campaigns/repeat interpolation)
        hardware=$(ask hardware)
        run submit new simulation-repeated --reference --name "Simulation, repeated" --author "The binlj-rdf authors" \
            -p extrapolation docs/validation/repeat.parquet -p interpolation docs/validation/repeat.parquet \
            --train-seconds extrapolation 0 --predict-seconds extrapolation "$extrapolation" \
            --train-seconds interpolation 0 --predict-seconds interpolation "$interpolation" \
            --license CC-BY-4.0 --extra-training-data none --code https://github.com/binlj-rdf/binlj-rdf \
            --set parameters 0 --set hardware "$hardware" \
            --set description "Some states simulated again with other seeds, from starts and for lengths listed in docs/validation/repeat.md: the practical ceiling" \
            --set notes "It carries its own noise besides that of the data, so it can come out below the noise ceiling, which a perfect model would reach. Seconds are those of the simulations, on one core."
    fi
    run leaderboard build
    ask losses leaderboard/submissions/fitted-theory >"$OUT/losses.md"
    mv "$OUT/losses.md" docs/reproduce/losses.md
    run rdf T0.6-C0.2-S1.25-E0.6 --plot docs/rdf.png
}

# --- experiments: those of the paper -------------------------------------------------------------------------
experiments() {
    set -m # a process group of its own, so that all of it can be stopped
    (for regime in $REGIMES; do
        OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$BINLJ" reproduce learning-curve --regime "$regime" --out "$OUT"
    done) > "$OUT/learning-curve.log" 2>&1 & # one core for all its minutes
    local learning=$!
    set +m
    trap "kill -- -$learning 2>/dev/null || true" EXIT # it fails where the learning curve has ended
    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    for regime in $REGIMES; do
        for name in extrapolation interpolation overlays failing-case; do
            run reproduce $name --regime "$regime" --out "$OUT" --workers 1
        done
    done
    run reproduce selection --out "$OUT" --workers 1
    [ -f "$OUT/timing.json" ] || run reproduce timing --out "$OUT" # of the models' part; the summary has it, too
    unset OMP_NUM_THREADS OPENBLAS_NUM_THREADS
    wait $learning || { tail -n 20 "$OUT/learning-curve.log" >&2; exit 1; }
    trap - EXIT
    run reproduce summary --out "$OUT" # reads all of them
    cp "$OUT"/{selection,summary}.md "$OUT"/fig*.png docs/reproduce/
    for name in extrapolation interpolation overlays failing-case learning-curve; do
        cp "$OUT/$name.md" docs/reproduce/
        [[ $REGIMES != *mixed ]] || cp "$OUT/$name-mixed.md" docs/reproduce/
    done
}

# --- reports: explainability and physics ---------------------------------------------------------------------
reports() {
    for regime in $REGIMES; do
        track=extrapolation folder=docs/explain
        [ "$regime" = equilibrium ] || track=mixed_extrapolation folder=docs/explain/mixed
        mkdir -p "$folder"
        rm -f "$folder"/shap-*.png # one for each model
        dnn=$(ask runs "$OUT" dnn $track 3) xgboost=$(ask runs "$OUT" xgboost $track 1)
        theory=$(ask runs "$OUT" fitted_theory $track 1)
        echo "== binlj explain check --regime $regime" >&2
        "$BINLJ" explain check --regime "$regime" $(printf -- '--dnn %s ' $dnn) --xgboost "$xgboost" --other "$theory" \
            --out "$folder" > "$OUT/check.txt"
        mv "$OUT/check.txt" "$folder/check.txt"
    done
    run explain parameters --out docs/explain
    for name in pets solubility; do run validate $name --out docs/validation; done
    for name in convergence exchange "coexistence --no-run"; do run validate $name --out docs/validation; done
}

for part in models experiments reports; do
    if [[ $PARTS == *" $part "* ]]; then $part; fi # after || a function would go on after a failure
done
"$PYTHON" docs/readme.py # last: from the tables and the reports
