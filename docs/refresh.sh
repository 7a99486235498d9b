#!/usr/bin/env bash
# Everything that follows from a new version of the data, after `binlj publish`: retrains the baselines, reruns the
# paper's experiments, the explainability report and the physics checks, enters our own submissions again, rebuilds the
# page and the table in the README. It takes more than an hour on two cores; what is trained already is kept, so it can
# be stopped and run again. Read what it wrote, look at every picture, then commit.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${OUT:-out/refresh}
BINLJ=${BINLJ:-.venv/bin/binlj}
PYTHON=$(dirname "$BINLJ")/python
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 # two trainings at a time, one core each
ONE_SEED="fitted_theory integral_equation xgboost_physics dnn_physics xgboost" # the network of the paper has three
mkdir -p "$OUT" docs/reproduce docs/explain docs/validation
run() { echo "== binlj $*" >&2; "$BINLJ" "$@" >&2; }

# --- training, and the paper's experiments -------------------------------------------------------------------
"$BINLJ" reproduce learning-curve --out "$OUT" > "$OUT/learning-curve.log" 2>&1 & # one core for all its minutes
learning=$!
trap 'kill $learning 2>/dev/null || true' EXIT
for model in $ONE_SEED; do run reproduce benchmark --models "$model" --out "$OUT" --workers 1; done
run reproduce benchmark --models dnn --seeds 3 --out "$OUT" --workers 1
for name in extrapolation interpolation overlays failing-case selection; do
    run reproduce $name --out "$OUT" --workers 1
done
run reproduce rdf-model --out "$OUT"
cp "$OUT/fitted.npz" core/theory/ # what binlj.rdf uses
# The same network on what a study with mixed starts only would have had.
run publish --only-start mixed --dataset "$OUT/mixed-starts" --snapshots refresh
run reproduce extrapolation --dataset "$OUT/mixed-starts" --out "$OUT/mixed" --workers 1
run reproduce interpolation --dataset "$OUT/mixed-starts" --out "$OUT/mixed" --workers 2
wait $learning
trap - EXIT
unset OMP_NUM_THREADS OPENBLAS_NUM_THREADS
run reproduce benchmark --models "dnn,${ONE_SEED// /,}" --out "$OUT"
run reproduce timing --out "$OUT" # alone on the machine
cp "$OUT"/{benchmark,extrapolation,interpolation,overlays,failing-case,selection,timing,learning-curve}.md \
    "$OUT"/fig*.png docs/reproduce/
for name in extrapolation interpolation; do
    sed '/^!\[/d; s/^## .*/&, from mixed starts only/' "$OUT/mixed/$name.md" > docs/reproduce/$name-mixed-starts.md
done

# --- explainability and physics ------------------------------------------------------------------------------
R=$OUT/runs
rm -f docs/explain/shap-*.png # one for each model
"$BINLJ" explain check $(printf -- '--dnn %s ' "$R"/dnn-extrapolation-seed?-*) --xgboost "$R"/xgboost-extrapolation-* \
    --other "$R"/fitted_theory-extrapolation-* --out docs/explain > docs/explain/check.txt
run explain parameters --out docs/explain
run validate pets --out docs/validation
for name in convergence "coexistence --no-run"; do run validate $name --out docs/validation; done

# --- our own submissions, the page, the README ---------------------------------------------------------------
mkdir -p "$OUT/enter"
enter() { # ID MODEL [options of submit new]; every seed there is a run of
    local id=$1 model=$2 track folder files=()
    shift 2
    run explain model "$R/$model"-extrapolation-seed?-* --n-boot 20 --out "$OUT/enter/$model" \
        --write-attributions "$OUT/enter/$model.parquet"
    for track in extrapolation interpolation offgrid; do
        for folder in "$R/$model-$track"-seed?-*; do
            files+=(-p $track "$folder/predictions.parquet" -m $track "$folder/metadata.json")
        done
    done
    rm -rf "leaderboard/submissions/$id"
    run submit new "$id" "${files[@]}" --attributions "$OUT/enter/$model.parquet" --author "The binlj-rdf authors" \
        --license CC-BY-4.0 --extra-training-data none \
        --code https://github.com/binlj-rdf/binlj-rdf "$@"
}
enter dnn dnn --name "DNN of the paper (7-112-56-28-14-7-1)" --prior-knowledge none \
    --set description "Point-wise network with the paper's layers, ReLU, Adam 0.001, MSE, 1000 epochs, batch 250, standardised inputs; mean over three seeds"
enter xgboost xgboost --name "XGBoost, point-wise" --prior-knowledge none \
    --set description "Gradient-boosted trees on the paper's seven inputs, settings tuned on training data only; seed 0" \
    --set notes "Parameters counts the nodes of all trees of the larger model."
THEORY="equation of state (PeTS), integral equation (Ornstein-Zernike)"
PETS="PeTS was fitted by its authors to simulations of the truncated and shifted Lennard-Jones fluid."
enter integral-equation integral_equation --name "Integral equation (no training)" --prior-knowledge "$THEORY" \
    --set description "Ornstein-Zernike equation with the Duh-Henderson closure; phases by the PeTS equation of state, two-phase geometry in the periodic box; nothing is trained" \
    --set parameters 0 --set notes "$PETS"
enter fitted-theory fitted_theory --name "Fitted theory" --prior-knowledge "$THEORY" \
    --set description "The integral equation and two-phase geometry on a PeTS equation of state whose density and Gibbs energy are corrected by training data, plus residuals of the training states carried over by a Gaussian process" \
    --set notes "Parameters counts corrections and residual curves. $PETS"
enter xgboost-physics xgboost_physics --name "XGBoost on the integral equation" --prior-knowledge "$THEORY" \
    --set description "Gradient-boosted trees on the residual of the integral equation, weighted by cross-validation; seed 0" \
    --set notes "Parameters counts the nodes of all trees of the larger model. $PETS"
enter dnn-physics dnn_physics --name "DNN on the integral equation" --prior-knowledge "$THEORY" \
    --set description "Network with the paper's layers on the residual of the integral equation, weighted by cross-validation; seed 0" \
    --set notes "$PETS"
# The states simulated again, where that was done for this version (`binlj validate repeat` simulates).
if [ -d builders/campaigns/repeat ]; then
    run validate repeat --no-run --out docs/validation
    rm -rf leaderboard/submissions/simulation-repeated
    seconds() { "$PYTHON" docs/refresh.py seconds builders/campaigns/repeat "$1"; }
    run submit new simulation-repeated --reference --name "Simulation, repeated" --author "The binlj-rdf authors" \
        -p extrapolation docs/validation/repeat.parquet -p interpolation docs/validation/repeat.parquet \
        --train-seconds extrapolation 0 --predict-seconds extrapolation "$(seconds extrapolation)" \
        --train-seconds interpolation 0 --predict-seconds interpolation "$(seconds interpolation)" \
        --license CC-BY-4.0 --extra-training-data none --code https://github.com/binlj-rdf/binlj-rdf --set parameters 0 --set hardware "$("$PYTHON" docs/refresh.py hardware)" \
        --set description "Some states simulated again with other seeds, from the starts and for the lengths they were published with: the practical ceiling" \
        --set notes "It carries its own noise besides that of the data, so it can come out below the noise ceiling, which a perfect model would reach. Seconds are those of the simulations, on one core."
fi
run leaderboard build
"$PYTHON" docs/refresh.py losses leaderboard/submissions/fitted-theory >"$OUT/losses.md"
mv "$OUT/losses.md" docs/reproduce/losses.md
run rdf T0.6-C0.2-S1.25-E0.6 --plot docs/rdf.png
