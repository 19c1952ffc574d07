#!/usr/bin/env bash
# Trains with one process per GPU.
#
#   tools/dist_train.sh CONFIG GPUS [options of train.py]
#
# Several machines: run it on each, with the same MASTER_ADDR and PORT, NNODES
# set to their number and NODE_RANK to 0, 1, ...
set -euo pipefail

usage='usage: tools/dist_train.sh CONFIG GPUS [options of train.py]'
config=${1:?$usage}
gpus=${2:?$usage}

"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "${@:3}"
