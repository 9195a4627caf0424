# Replays an exported trace with libCacheSim's LRU, for a test that compares it with ours.
# Arguments: the file, csv or oracleGeneral, entries. Prints JSON: requests and hits.
import json
import sys

import libcachesim

path, kind, entries = sys.argv[1:]
if kind == "csv":
    params = libcachesim.ReaderInitParam(
        has_header=True,
        has_header_set=True,
        delimiter=",",
        obj_id_is_num=True,
        obj_id_is_num_set=True,
        ignore_obj_size=True,
    )
    params.time_field, params.obj_id_field, params.obj_size_field = 1, 2, 3
    trace_type = libcachesim.TraceType.CSV_TRACE
else:
    params = libcachesim.ReaderInitParam(ignore_obj_size=True)
    trace_type = libcachesim.TraceType.ORACLE_GENERAL_TRACE
reader = libcachesim.TraceReader(trace=path, trace_type=trace_type, reader_init_params=params)
cache = libcachesim.LRU(cache_size=int(entries))
requests = hits = 0
for request in reader:
    requests += 1
    hits += cache.get(request)
print(json.dumps({"requests": requests, "hits": hits}))
