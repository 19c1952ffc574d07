#!/usr/bin/env bash
# Tests with one process per GPU.
#
#   tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of test.py]
#
# Several machines: see dist_train.sh.
set -euo pipefail

usage='usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [options of test.py]'
config=${1:?$usage}
checkpoint=${2:?$usage}
gpus=${3:?$usage}

"${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$gpus" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" \
    --launcher pytorch "${@:4}"
