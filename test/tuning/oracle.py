# Replays a list of keys with libCacheSim's policies, and prints hits, for a test that compares them with ours.
# Arguments: a file of little-endian unsigned 64-bit keys, then NAME:CAPACITY for each replay. Prints a line of JSON: a count of hits for each.
import json
import struct
import sys
import tempfile

import libcachesim

NAMES = {
    "lru": libcachesim.LRU,
    "sieve": libcachesim.Sieve,
    "s3-fifo": libcachesim.S3FIFO,
    "w-tinylfu": libcachesim.WTinyLFU,
    "gdsf": libcachesim.GDSF,
}


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    count = len(data) // 8
    with tempfile.NamedTemporaryFile(suffix=".oracleGeneral.bin") as trace:
        # Of libCacheSim's own format: time, key, size, and when the key is next asked for, which none of these policies looks at.
        for i, (key,) in enumerate(struct.iter_unpack("<Q", data)):
            trace.write(struct.pack("<IQIq", i, key, 1, -1))
        trace.flush()
        hits = []
        for replay in sys.argv[2:]:
            name, capacity = replay.split(":")
            cache = NAMES[name](cache_size=int(capacity), hashpower=18)
            reader = libcachesim.TraceReader(
                trace=trace.name,
                trace_type=libcachesim.TraceType.ORACLE_GENERAL_TRACE,
                reader_init_params=libcachesim.ReaderInitParam(ignore_obj_size=True),
            )
            missed, _ = cache.process_trace(reader)
            hits.append(round(count * (1 - missed)))
    print(json.dumps(hits))


main()
