"""My spaces, my account, and accepting an invitation."""

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from identity import operations, queries
from identity.choices import SPACE_ADMINS, Role
from identity.models import Account
from kernel import clock
from kernel.errors import DomainError
from web.accounts.forms import JoinForm
from web.accounts.handover import BACKEND
from web.accounts.spaces import INSTITUTE_NAME, granted_schools, spaces_of
from web.http import PublicRequest, with_account


@require_GET
@never_cache
@with_account
def arrived(request: PublicRequest) -> HttpResponse:
    """Where sign-in leads when nobody asked for a page: a school's home, the only space, or the choice."""
    school = getattr(request, "school", None)
    if not request.actor.roles.isdisjoint(SPACE_ADMINS) and not is_mfa_enabled(request.user):
        messages.warning(request, "您是管理员，账号权限较大：请在“账号与安全”里启用两步验证。")
    if school is not None:
        return HttpResponseRedirect("/" if request.actor.roles else reverse("account_spaces"))
    spaces = [space for space in spaces_of(request, request.actor) if space["open"]]
    if len(spaces) == 1 and not granted_schools(request, request.actor):
        return HttpResponseRedirect(spaces[0]["url"])
    return HttpResponseRedirect(reverse("account_spaces"))


@require_GET
@never_cache
@with_account
def spaces(request: PublicRequest) -> HttpResponse:
    """我的空间: every school and the institute, one click each."""
    return render(
        request,
        "accounts/spaces.html",
        {
            "title": "我的空间",
            "spaces": spaces_of(request, request.actor),
            "granted": granted_schools(request, request.actor),
            "under_grant": request.actor.grant_id is not None,
            "grant_scopes": [scope.label for scope in sorted(request.actor.grant_scopes)],
        },
    )


@require_GET
@never_cache
@with_account
def security(request: PublicRequest) -> HttpResponse:
    """账号与安全: password, second factor, other devices."""
    assert request.actor.account_id is not None
    account = Account.objects.get(pk=request.actor.account_id)
    return render(
        request,
        "accounts/security.html",
        {
            "title": "账号与安全",
            "account": account,
            "second_factor": is_mfa_enabled(account),
            "urged": not request.actor.roles.isdisjoint(SPACE_ADMINS),
        },
    )


@require_POST
@with_account
def sign_out_everywhere(request: PublicRequest) -> HttpResponse:
    """End every session of the account, on every host and device, this one too."""
    assert request.actor.account_id is not None
    operations.end_sessions(account_id=request.actor.account_id)
    logout(request)
    messages.success(request, "已在所有设备上退出登录。")
    return HttpResponseRedirect(reverse("account_login"))


def closed(request: HttpRequest) -> HttpResponse:
    """Nobody signs up by themselves: say how one gets an account."""
    return render(request, "accounts/closed.html", {"title": "如何开通账号"}, status=404)


@sensitive_post_parameters("password", "again")
@never_cache
def invitation(request: PublicRequest, token: str) -> HttpResponse:
    """Accept an invitation: as who is signed in, or with a new account."""
    school = getattr(request, "school", None)
    school_id = school.school_id if school else None
    found = queries.open_invitation(token, school_id=school_id, now=clock.now())
    if found is None:
        closed_one = operations.InvitationClosed()
        return render(
            request,
            "accounts/refused.html",
            {"title": "邀请已失效", "refused": closed_one.sentence, "login": reverse("account_login")},
            status=404,
        )
    context = {
        "title": "接受邀请",
        "invitation": found,
        "role": Role(found.role).label,
        "space": school.name if school else INSTITUTE_NAME,
        "known": queries.has_account(found.email),
    }
    form = JoinForm(request.POST or None, initial={"name": found.name, "username": found.email.partition("@")[0]})
    if request.method == "POST":
        try:
            if request.POST.get("as") == "me" and request.actor.account_id is not None:
                operations.accept_with_account(
                    token=token, account_id=request.actor.account_id, school_id=school_id, now=clock.now()
                )
                return HttpResponseRedirect(reverse("account_arrived"))
            if form.is_valid():
                account = operations.accept_as_new(
                    token=token,
                    username=form.cleaned_data["username"],
                    name=form.cleaned_data["name"],
                    password=form.cleaned_data["password"],
                    school_id=school_id,
                    now=clock.now(),
                )
                login(request, account, backend=BACKEND)
                return HttpResponseRedirect(reverse("account_arrived"))
        except DomainError as refused:
            if refused.field in form.fields:
                form.add_error(refused.field, refused.sentence)
            else:
                context["refused"] = refused.sentence
        return render(request, "accounts/invitation.html", {**context, "form": form}, status=422)
    answer = render(request, "accounts/invitation.html", {**context, "form": form})
    answer["Referrer-Policy"] = "same-origin"  # "no-referrer" would make the form's Origin null, which CSRF refuses
    return answer
