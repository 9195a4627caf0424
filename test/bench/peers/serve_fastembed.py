# fastembed on a model folder: reads one JSON request a line, answers one JSON line. Started by fastembed.ts, which says what to send.
import base64
import json
import sys
import time

import numpy
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

folder, onnx, dims, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
TextEmbedding.add_custom_model(
    model="op-dbus-bench",
    pooling=PoolingType.MEAN,
    normalization=True,
    sources=ModelSource(hf="op-dbus/bench"),
    dim=dims,
    model_file=onnx,
)
model = TextEmbedding("op-dbus-bench", specific_model_path=folder, threads=threads, providers=["CPUExecutionProvider"])

for line in sys.stdin:
    request = json.loads(line)
    start = time.perf_counter()
    rows = numpy.array(list(model.embed(request["texts"], batch_size=request["batch"])), dtype=numpy.float32)
    seconds = time.perf_counter() - start
    answer = {"seconds": seconds}
    if request["rows"]:
        answer["matrix"] = base64.b64encode(rows.tobytes()).decode("ascii")
    print(json.dumps(answer), flush=True)
