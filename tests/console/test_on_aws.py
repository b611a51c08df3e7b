"""The console of a stack in AWS: its pages call AWS's services, here moto's, through boto3."""

from __future__ import annotations

import pytest

from console import site
from console.access import Access
from console.site import Site
from tests.console.conftest import HOST, Browser, sample, send
from tests.console.test_pages import text_of
from workbench.console.project_tools import ProjectTools
from workbench.local.resources import create
from workbench.local.stack import create_stack
from workbench.store.stack_template import STACK

pytestmark = pytest.mark.moto


def test_pages_read_through_boto3(project):
    with create_stack(project, create_resources=create) as stack:
        matched = send(stack, sample(_uuid="matched"))
        unmatched = send(stack, sample(_uuid="unmatched", _xform_id_string="other"))
        access = Access("secret", (HOST,))
        tools = ProjectTools(project, STACK)
        with site.use(Site(STACK, access, "arn:aws:iam::1:user/engineer", dict, tools)):
            browser = Browser(access, access.create_cookie().partition(";")[0])
            health = text_of(browser.get("/"))
            assert "1 message today matched no trigger" in health
            assert "arn:aws:iam::1:user/engineer" in health
            for path in ("/messages", "/runs", f"/messages/{matched}", "/dead-letters"):
                assert browser.get(path).status == 200, path
            assert "1 value is missing" in text_of(browser.get(f"/messages/{unmatched}"))
            assert "arn:aws:iam::1:user/engineer" in text_of(browser.get("/looked"))


def test_refused_calls_have_a_page_with_the_remedy(project):
    with create_stack(project, create_resources=create):
        access = Access("secret", (HOST,))
        with site.use(Site("another-stack", access, "engineer", dict)):
            browser = Browser(access, access.create_cookie().partition(";")[0])
            page = browser.get("/")
    assert page.status == 502
    assert "AWS refused a call" in text_of(page)
    assert "ValidationError" in text_of(page)
