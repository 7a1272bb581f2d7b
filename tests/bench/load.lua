-- One chat completion request after the other, no two alike, so that no cache answers.
local number = 0
local key = os.getenv("BENCH_KEY")

wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. key
for name, value in string.gmatch(os.getenv("BENCH_HEADERS") or "", "([^=;]+)=([^;]+)") do
  wrk.headers[name] = value
end

function request()
  number = number + 1
  local prompt = "How many foxes are in picture " .. number .. " of " .. math.random(1000000) .. "?"
  local messages = '[{"role":"system","content":"Answer in one short sentence."},'
    .. '{"role":"user","content":"' .. prompt .. '"}]'
  local body = '{"model":"bench","messages":' .. messages .. ',"max_tokens":64}'
  return wrk.format(nil, "/v1/chat/completions", nil, body)
end

-- Microseconds in, one line of JSON out.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50_ms":%.4f,"p99_ms":%.4f,"bad_status":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
