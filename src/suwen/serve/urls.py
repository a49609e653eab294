"""Every address there is. Each view says what it needs (`serve.gate`); the table in the tests says who may."""

from django.urls import path

from suwen.serve import monitoring
from suwen.serve.account import own, second, sign
from suwen.serve.administration import identity, people, trail
from suwen.serve.api.urls import urlpatterns as api
from suwen.serve.console.urls import urlpatterns as console

handler400 = "suwen.serve.faults.bad_request"
handler404 = "suwen.serve.faults.not_found"
handler500 = "suwen.serve.faults.defect"

urlpatterns = [
    *console,
    *api,
    path("healthz", monitoring.alive, name="alive"),
    path("readyz", monitoring.ready, name="ready"),
    path("metrics", monitoring.figures, name="metrics"),
    path("sign-in", sign.sign_in, name="sign-in"),
    path("sign-in/code", sign.second_step, name="sign-in-code"),
    path("sign-out", sign.sign_out, name="sign-out"),
    path("language", sign.language, name="language"),
    path("account", own.account, name="account"),
    path("account/password", own.password, name="password"),
    path("account/second-factor", second.enrol, name="second-factor"),
    path("account/second-factor/remove", second.remove, name="second-factor-remove"),
    path("account/tokens", own.tokens, name="tokens"),
    path("account/tokens/<int:token>/revoke", own.revoke, name="token-revoke"),
    path("people", people.listed, name="people"),
    path("people/invite", people.invite, name="invite"),
    path("people/<int:person>", people.one, name="one-person"),
    path("people/<int:person>/roles", people.bind, name="bind-role"),
    path("people/<int:person>/roles/<int:binding>/end", people.unbind, name="end-role"),
    path("people/<int:person>/active", people.activate, name="activate"),
    path("people/<int:person>/reset", people.reset, name="reset-person"),
    path("identity/open", identity.opening, name="open-identity"),
    path("identity/close", identity.closing, name="close-identity"),
    path("audit", trail.listed, name="audit"),
    path("audit/verify", trail.verified, name="audit-verify"),
]
