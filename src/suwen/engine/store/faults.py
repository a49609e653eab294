"""What object storage answers when it refuses, as errors of the one who gave the command.

Only the code of an answer is passed on: its text may repeat keys and signatures.
Source: error codes, https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import re

from suwen.base.errors import SuwenError

_CODE = re.compile(r"<Code>([A-Za-z0-9]+)</Code>")
_STATUS = re.compile(r"status(?: code)?:? ([45][0-9]{2})")
_AGAIN = "mend the cause and give the command again; nothing was left half-written"
_KEYS = "mend key_id and secret of [store] in region.toml, or what they name"
_CLOCK = "set the clock of this machine, by NTP for one, and give the command again"
_KNOWN = {
    "NoSuchBucket": ("the bucket is not there", "a bucket that exists", "mend the address in region.toml, or make the bucket"),
    "AccessDenied": ("access is denied", "the right to list, read, write and delete under this address", "have the right given to these credentials"),
    "InvalidAccessKeyId": ("the key is not known", "credentials of this store", _KEYS),
    "XAdminUserNotFound": ("the key is not known", "credentials of this store", _KEYS),
    "SignatureDoesNotMatch": ("the secret is not that of the key", "credentials of this store", _KEYS),
    "ExpiredToken": ("the credentials have run out", "credentials that hold", "get new ones and give the command again"),
    "InvalidToken": ("the session token is not accepted", "the token that came with the key", _KEYS),
    "RequestTimeTooSkewed": ("this machine's clock differs from the store's by more than 15 minutes", "clocks that agree", _CLOCK),
    "PermanentRedirect": ("the bucket is in another region", "the bucket's own region and endpoint", "mend region and endpoint of [store] in region.toml"),
    "AuthorizationHeaderMalformed": ("the region is not the bucket's", "the bucket's own region", "mend region of [store] in region.toml"),
    "QuotaExceeded": ("the bucket is full", "room", "make room or raise the quota, and give the command again"),
    "XMinioStorageFull": ("the store is full", "room", "make room, and give the command again"),
    "NotImplemented": ("the store does not know a request that is needed", "conditional writes (If-None-Match, If-Match)", "use a store that has them"),
    "SlowDown": ("the store asks for fewer requests", "an answer", "give the command again later"),
    "ServiceUnavailable": ("the store is not available", "an answer", "give the command again later"),
    "InternalError": ("the store reports a fault of its own", "an answer", "give the command again later"),
}
_NET = (
    (("certificate", "UnknownIssuer", "InvalidContentType", "tls handshake"), "the store's certificate is not trusted, or it does not speak TLS",
     "name its authority as ca of [store] in region.toml"),
    (("dns error", "failed to lookup"), "the store's name is not known", "mend endpoint of [store] in region.toml, or the name service"),
    (("timed out", "TimedOut", "Timeout"), "the store did not answer in time", "look at the network and the store, then give the command again"),
    (("error sending request", "error trying to connect", "Connection refused", "connection closed", "IncompleteMessage", "error decoding response body"),
     "the store cannot be reached", "look at endpoint of [store] in region.toml, the network and the store, then give the command again"),
)  # fmt: skip


def code_of(said: str) -> str:
    """The code in an answer, such as NoSuchKey; "" for none."""
    found = _CODE.search(said)
    return found[1] if found else ""


def store_fault(said: str, where: str) -> SuwenError | None:
    """The error that a client's text tells of, where it is one of the store or the network."""
    code = code_of(said)
    if code in _KNOWN:
        what, expected, do = _KNOWN[code]
        return SuwenError(f"object storage: {what} ({code})", where=where, expected=expected, do=do)
    for marks, what, do in _NET:
        if not code and any(mark in said for mark in marks):
            return SuwenError(f"object storage: {what}", where=where, do=do)
    status = _STATUS.search(said)
    if code or status:
        told = code or f"status {status[1] if status else ''}"
        return SuwenError(f"object storage refused a request: {told}", where=where, do=_AGAIN)
    return None
