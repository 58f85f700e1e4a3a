"""What Redis does for a hop in one step each: Lua scripts, sent by their digest."""

from hashlib import sha1

_OPEN = """
local reply = redis.call('HGET', KEYS[1], ARGV[1])
if reply then return {'reply', reply} end
if not redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3])
    and redis.call('GET', KEYS[2]) ~= ARGV[2] then return {'busy'} end
local state = redis.call('HGET', KEYS[1], 'state')
if state then return {'state', state} end
return {'new', redis.call('GET', KEYS[3]) or '', redis.call('GET', KEYS[4]) or ''}
"""
_CLOSE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2], ARGV[3], ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
if ARGV[6] ~= '' then redis.call('HDEL', KEYS[1], ARGV[6]) end
if ARGV[7] == 'here' then redis.call('SET', KEYS[4], KEYS[1], 'EX', ARGV[8])
elseif ARGV[7] == 'drop' then redis.call('DEL', KEYS[4]) end
if ARGV[9] ~= '' then redis.call('SET', KEYS[3], ARGV[9], 'EX', ARGV[10]) end
redis.call('DEL', KEYS[2])
return 1
"""
# Numbered hops stand under their number, so that a repeated one finds its own place. Others are a
# list; the same key again is a repetition while the hop before is still being played, and right
# after it: nobody reads a screen that fast. Where earlier keys were lost, the session begins anew.
_JOIN = """
local key, typed, number, begins = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
redis.call('EXPIRE', key, ARGV[4])
local function from(first, last)
    local parts = {}
    for i = first, last do
        local part = redis.call('HGET', key, i)
        if not part then return false end
        parts[#parts + 1] = part
    end
    return parts
end
local function put(i, text)
    redis.call('HSETNX', key, i, text)
    redis.call('EXPIRE', key, ARGV[4])
end
if number then
    local base = tonumber(redis.call('HGET', key, 'base') or '1')
    if number < base then return {''} end
    put(number, typed)
    local parts = from(base, number)
    if parts then return parts end
    redis.call('HSET', key, 'base', number, number, '')
    return {''}
end
local count = tonumber(redis.call('HGET', key, 'count') or '0')
if begins or count == 0 then
    put(1, begins and typed or '')
    if count == 0 then redis.call('HSET', key, 'count', 1, 'at', 0) end
    return from(1, 1)
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local again = redis.call('HGET', key, count) == typed and count > 1
if again and (redis.call('EXISTS', KEYS[2]) == 1
        or now - tonumber(redis.call('HGET', key, 'at')) < tonumber(ARGV[5])) then
    return from(1, count)
end
put(count + 1, typed)
redis.call('HSET', key, 'count', count + 1, 'at', now)
return from(1, count + 1)
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""
_AGE = """
local now = tonumber(redis.call('TIME')[1])
local since = redis.call('GET', KEYS[1])
if since then return now - tonumber(since) end
redis.call('SET', KEYS[1], now - tonumber(ARGV[1]))
return tonumber(ARGV[1])
"""


class Script:
    """A Lua script, sent by its digest and in full when the server does not know it."""

    def __init__(self, source: str, keys: int) -> None:
        self.source = source
        self.sha = sha1(source.encode()).hexdigest()  # noqa: S324 -- Redis names scripts so.
        self.keys = keys


SCRIPTS = {
    "open": Script(_OPEN, 4),
    "close": Script(_CLOSE, 4),
    "join": Script(_JOIN, 2),
    "release": Script(_RELEASE, 1),
    "age": Script(_AGE, 1),
}
