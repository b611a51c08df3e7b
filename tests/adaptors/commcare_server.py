"""A fake CommCare HQ that stores forms, cases, reports and imports.

It responds as CommCare's documentation and source say: OpenRosa natures by version, tastypie's
pages, the Case API v2, and an importer of Excel files with a status URL.
"""

from __future__ import annotations

import base64
from io import BytesIO
from itertools import count

import xmltodict
from flask import Flask, Response, jsonify, request
from openpyxl import load_workbook

DOMAIN, APP, USER, PASSWORD, KEY = "demo", "app-7", "nurse@example.org", "s3cr3t-Zm9v", "k3y-QmFy"
OPENROSA = '<OpenRosaResponse xmlns="http://openrosa.org/http/response">{}</OpenRosaResponse>'


class CommCare:
    """The project space `demo`. `url` is set when it is served."""

    def __init__(self):
        self.app = Flask(__name__)
        self.app.url_map.merge_slashes = False
        self.url = ""
        self.begin()
        self.app.before_request(self._authorize)
        for rule, method, view in (
            ("/a/demo/receiver/<app>/", "POST", self._receive),
            ("/a/demo/api/v0.5/<kind>/", "GET", self._list),
            ("/a/demo/api/v0.5/<kind>/", "POST", self._create),
            ("/a/demo/api/v0.5/<kind>/<object_id>/", "GET", self._get),
            ("/a/demo/api/v0.5/configurablereportdata/<report_id>/", "GET", self._report),
            ("/a/demo/api/case/v2/", "GET", self._cases),
            ("/a/demo/api/case/v2/", "POST", self._bulk),
            ("/a/demo/api/case/v2/ext/<path:external_id>/", "PUT", self._upsert),
            ("/a/demo/importer/excel/bulk_upload_api/", "POST", self._import),
            ("/a/demo/importer/excel/status/<int:number>/", "GET", self._status),
        ):
            self.app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])

    def begin(self):
        self.forms = {}  # by instanceID: XML as a dict
        self.writings = []  # the instanceID of every saved form, in order
        self.cases = {}  # by external_id
        self.requests_of_cases = []
        self.objects = {"form": [], "case": []}
        self.users = []
        self.rows = []
        self.uploads = []
        self.import_errors = []
        self.import_fails = False
        self.pauses = 1  # status requests before the import is done
        self.refuses_with_500 = False  # newer servers; older ones refuse a file with 200
        self.next_prefix = None
        self.numbers = count(1)

    def _authorize(self):
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") not in {f"Basic {basic}", f"ApiKey {USER}:{KEY}"}:
            return Response("", 401, {"WWW-Authenticate": 'Basic realm="", charset="utf-8"'})
        return None

    # Forms

    def _receive(self, app):
        assert app == APP
        try:
            xml = request.get_data()
            ((_, form),) = xmltodict.parse(xml, postprocessor=_drop_prefix).items()
        except Exception:
            return self._openrosa("submit_error", 500, "Problem receiving submission")
        problem = self._problem(form)
        if problem and request.headers.get("X-OpenRosa-Version") == "3.0":
            return self._openrosa("processing_failure", 422, problem)
        if problem:
            return self._openrosa("submit_error", 201, problem)
        instance_id = form["meta"]["instanceID"]
        if self.forms.get(instance_id) != form:  # the same form again is a duplicate: saved once
            self.forms[instance_id] = form
            self.writings.append(instance_id)
        return self._openrosa("submit_success", 201, "   √   ", instance_id)

    def _problem(self, form):
        index = (form.get("case") or {}).get("index")
        if index and index["parent"]["#text"] not in self.cases:
            parent = index["parent"]["#text"]
            return f"InvalidCaseIndex: Case references non-existent case '{parent}'"
        return None

    def _openrosa(self, nature, status, text, form_id=None):
        message = f'<message nature="{nature}">{text}</message>'
        headers = {"X-CommCareHQ-FormID": form_id} if form_id else {}
        return Response(OPENROSA.format(message), status, headers, content_type="text/html")

    # Lists

    def _list(self, kind):
        filters = {key: value for key, value in request.args.items() if key in {"xmlns", "type"}}
        objects = [item for item in self.objects[kind] if filters.items() <= item.items()]
        limit = min(int(request.args.get("limit", 20)) or 1000, 1000)
        offset = int(request.args.get("offset", 0))
        next_url = self._next(limit, offset) if offset + limit < len(objects) else None
        meta = {"limit": limit, "next": next_url, "offset": offset, "total_count": len(objects)}
        return jsonify({"meta": meta, "objects": objects[offset : offset + limit]})

    def _next(self, limit, offset):
        query = {**request.args, "limit": limit, "offset": offset + limit}
        prefix = request.path if self.next_prefix is None else self.next_prefix
        return f"{prefix}?" + "&".join(f"{key}={value}" for key, value in query.items())

    def _get(self, kind, object_id):
        objects = [item for item in self.objects[kind] if item["id"] == object_id]
        return jsonify(objects[0]) if objects else Response("", 404)

    def _create(self, kind):
        assert kind == "user"
        self.users.append(request.get_json())
        return jsonify({"id": f"user-{len(self.users)}"}), 201

    def _report(self, report_id):
        if report_id != "r1":
            return Response("", 404)
        limit, offset = int(request.args.get("limit", 10)), int(request.args.get("offset", 0))
        if limit > 50:
            return jsonify({"error": "Pagesize limit exceeded"}), 400
        more = offset + limit < len(self.rows)
        return jsonify(
            {
                "columns": [{"header": "District", "slug": "district"}],
                "data": self.rows[offset : offset + limit],
                "next_page": self._next(limit, offset) if more else "",
                "total_records": len(self.rows),
            }
        )

    # Cases

    def _cases(self):
        limit = min(int(request.args.get("limit", 20)), 5000)
        start = int(base64.b64decode(request.args.get("cursor", "")) or 0)
        cases = list(self.cases.values())
        page = {"matching_records": len(cases), "cases": cases[start : start + limit]}
        if start + limit < len(cases):
            cursor = base64.b64encode(str(start + limit).encode()).decode()
            page["next"] = f"{self.url}{request.path}?cursor={cursor}&limit={limit}"
        return jsonify(page)

    def _upsert(self, external_id):
        data = request.get_json()
        error = self._problem_of_case(data, self.cases.get(external_id))
        if error:
            return jsonify({"error": error}), 400
        return jsonify({"xform_id": self._form(), "case": self._write(external_id, data)})

    def _bulk(self):
        rows = request.get_json()
        self.requests_of_cases.append([row["external_id"] for row in rows])
        if len(rows) > 100:
            return jsonify({"error": "You cannot submit more than 100 updates"}), 400
        errors = [self._problem_of_case(row, self.cases.get(row["external_id"])) for row in rows]
        if any(errors):
            return jsonify({"error": "; ".join(filter(None, errors))}), 400
        # CommCare looks up all cases before it changes any: a duplicate becomes two cases.
        existing = {row["external_id"] for row in rows if row["external_id"] in self.cases}
        cases = []
        for row in rows:
            name = row["external_id"]
            if name not in existing and name in self.cases:
                name = f"{name} (a duplicate)"
            cases.append(self._write(name, row))
        return jsonify({"xform_id": self._form(), "cases": cases})

    def _problem_of_case(self, data, existing):
        texts = {**data, **data.get("properties", {})}
        for key, value in texts.items():
            if key not in {"properties", "indices", "close"} and not isinstance(value, str):
                return f"Error with case property '{key}'. Values must be strings"
        needed = {"case_name", "case_type", "owner_id"} - texts.keys()
        return None if existing or not needed else f"Property {min(needed)} is required."

    def _write(self, external_id, data):
        case = self.cases.setdefault(
            external_id, {"case_id": f"case-{next(self.numbers)}", "properties": {}}
        )
        properties = {**case["properties"], **data.get("properties", {})}
        case |= {**data, "external_id": external_id, "properties": properties}
        return case

    def _form(self):
        return f"form-{next(self.numbers)}"

    # The importer

    def _import(self):
        file = request.files.get("file")
        if not file or not request.form.get("case_type"):
            return self._refuse("Invalid POST request. Both 'file' and 'case_type' are required")
        if not file.filename.endswith((".xlsx", ".xls", ".csv")):
            return self._refuse("Please upload file with one of the following extensions: …")
        if request.form.get("search_field", "case_id") not in {"case_id", "external_id"}:
            return self._refuse("Illegal value for search_field")
        sheet = load_workbook(BytesIO(file.read()), read_only=True, data_only=True).active
        names, *lines = sheet.iter_rows(values_only=True)
        rows = [dict(zip(names, line, strict=True)) for line in lines]
        self.uploads.append({"fields": request.form.to_dict(), "rows": rows, "status_requests": 0})
        status_url = f"{self.url}/a/demo/importer/excel/status/{len(self.uploads)}/"
        return jsonify({"code": 200, "message": "success", "status_url": status_url})

    def _refuse(self, message, code=500):
        status = 500 if self.refuses_with_500 else 200
        return jsonify({"code": code, "message": message}), status

    def _status(self, number):
        upload = self.uploads[number - 1]
        upload["status_requests"] += 1
        if upload["status_requests"] <= self.pauses:
            return jsonify({"state": 1, "progress": {"percent": 10}, "result": None})
        if self.import_fails:
            return jsonify({"state": 3, "progress": {"percent": 0}, "result": None})
        failed = sum(len(error["rows"]) for error in self.import_errors)
        created = len(upload["rows"]) - failed
        result = {
            "match_count": 0,
            "created_count": created if upload["fields"].get("create_new_cases") == "on" else 0,
            "num_chunks": 1,
            "errors": self.import_errors,
        }
        return jsonify({"state": 2, "progress": {"percent": 100}, "result": result})


def _drop_prefix(_path, key, value):
    return key if key.startswith("@") else key.rpartition(":")[2], value
