"""A fake KoboToolbox: assets and submissions that can be listed, queried and changed."""

from __future__ import annotations

import base64
import json
from operator import itemgetter
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request

USER, PASSWORD, TOKEN, FORM = "nurse", "s3cr3t-Zm9v", "t0k3n-QmFyYmF6", "aXecHjmbATuF6iGFmvBLBX"


class Kobo:
    """One account's forms. `url` is set when it is served."""

    def __init__(self):
        self.app = Flask(__name__)
        self.url = ""
        self.begin()
        self.app.before_request(self._authorize)
        for rule, method, view in (
            ("/api/v2/assets/", "GET", self._assets),
            ("/api/v2/assets/", "POST", self._create),
            ("/api/v2/assets/<uid>/", "PATCH", self._change),
            ("/api/v2/assets/<uid>/", "PUT", self._change),
            ("/api/v2/assets/<uid>/data/", "GET", self._data),
            ("/api/v2/assets/<uid>/data/bulk/", "PATCH", self._bulk),
            ("/api/v2/assets/<uid>/data/<int:number>/", "DELETE", self._delete),
            ("/api/v2/assets/<uid>/deployment/", "GET", self._deployment),
        ):
            self.app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])

    def begin(self):
        self.assets = {FORM: {"uid": FORM, "name": "Households", "asset_type": "survey"}}
        self.submissions = {FORM: []}
        self.locked = set()  # ids of submissions that cannot be changed
        self.max_page_size = 1000
        self.public_url = None

    def submit(self, time, form=FORM, **answers):
        """Store a submission, as a phone sends it."""
        number = len(self.submissions[form]) + 1
        submission = {"_id": number, "_uuid": f"v0-{number}", "_submission_time": time}
        self.submissions[form].append({**submission, **answers})

    def edit(self, number, form=FORM, **answers):
        """Change a submission, as a person does in the web page."""
        submission = self.submissions[form][number - 1]
        version = int(submission["_uuid"][1:].partition("-")[0]) + 1
        submission |= {"meta/deprecatedID": f"uuid:{submission['_uuid']}", **answers}
        submission["_uuid"] = f"v{version}-{number}"

    def _authorize(self):
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") not in {f"Basic {basic}", f"Token {TOKEN}"}:
            return jsonify({"detail": "Invalid username/password."}), 401
        return None

    def _assets(self):
        kind = request.args.get("asset_type")
        assets = [asset for asset in self.assets.values() if kind in {None, asset["asset_type"]}]
        return self._page(assets, "offset", 100)

    def _page(self, records, offset_name, default):
        limit = min(int(request.args.get("limit", default)), self.max_page_size)
        start = int(request.args.get(offset_name, 0))
        next_url = None
        if start + limit < len(records):
            query = {**request.args, "limit": limit, offset_name: start + limit}
            next_url = f"{self.public_url or self.url}{request.path}?{urlencode(query)}"
        results = records[start : start + limit]
        page = {"count": len(records), "next": next_url, "previous": None, "results": results}
        return jsonify(page)

    def _data(self, uid):
        if uid not in self.submissions:
            return jsonify({"detail": "Not found."}), 404
        query = json.loads(request.args.get("query", "{}"))
        submissions = [
            submission for submission in self.submissions[uid] if _matches(submission, query)
        ]
        for key, direction in json.loads(request.args.get("sort", "{}")).items():
            submissions.sort(key=itemgetter(key), reverse=direction < 0)
        return self._page(submissions, "start", self.max_page_size)

    def _deployment(self, uid):
        return jsonify({"active": True, "identifier": uid, "backend": "openrosa"})

    def _create(self):
        uid = f"a{len(self.assets)}"
        self.assets[uid] = {"uid": uid, **request.get_json()}
        return jsonify(self.assets[uid]), 201

    def _change(self, uid):
        old = self.assets[uid] if request.method == "PATCH" else {"uid": uid}
        self.assets[uid] = {**old, **request.get_json()}
        return jsonify(self.assets[uid])

    def _delete(self, uid, number):
        self.submissions[uid] = [
            submission for submission in self.submissions[uid] if submission["_id"] != number
        ]
        return Response("", 204)

    def _bulk(self, uid):
        payload = request.get_json()["payload"]
        results = []
        for submission in self.submissions[uid]:
            if submission["_id"] in payload["submission_ids"]:
                fails = submission["_id"] in self.locked
                submission.update({} if fails else payload["data"])
                message = "Something went wrong" if fails else "Successful submission."
                results.append({"status_code": 400 if fails else 201, "message": message})
        successes = sum(result["status_code"] == 201 for result in results)
        failures = len(results) - successes
        report = {"count": len(results), "successes": successes, "failures": failures}
        return jsonify({**report, "results": results}), 200 if successes else 400


def _matches(submission, query):
    return all(_has(submission, key, value) for key, value in query.items())


def _has(submission, key, value):
    if isinstance(value, dict) and "$exists" in value:
        return (key in submission) == value["$exists"]
    if isinstance(value, dict):
        return submission.get(key) >= value["$gte"]
    return submission.get(key) == value
