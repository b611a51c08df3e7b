"""A fake ODK Central and a fake ODK Aggregate, which store every submission once."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import xmltodict
from flask import Flask, Response, jsonify, request
from flask_httpauth import HTTPDigestAuth

EMAIL, USER, PASSWORD, FORM, VERSION = "nurse@example.org", "nurse", "s3cr3t-Zm9v", "visit", "3"


def problem(code, message, status=None):
    """Respond as Central does: the part of a problem's code before the dot is the status."""
    return jsonify({"code": code, "message": message}), status or int(code)


class Central:
    """Project 22 with the form `visit`. `url` is set when it is served."""

    def __init__(self):
        self.app = Flask(__name__)
        self.url = ""
        self.begin()
        self.app.before_request(self._authorize)
        form = f"/v1/projects/22/forms/{FORM}"
        for rule, method, view in (
            ("/v1/sessions", "POST", self._log_in),
            ("/v1/projects", "GET", lambda: jsonify([{"id": 22, "name": "Households"}])),
            ("/v1/projects", "POST", lambda: (jsonify({"id": 23, **request.get_json()}), 200)),
            ("/v1/projects/22", "PUT", lambda: jsonify(request.get_json())),
            ("/v1/projects/22/forms", "GET", lambda: jsonify([{"xmlFormId": FORM}])),
            (form, "DELETE", lambda: jsonify({"success": True})),
            (f"{form}.svc/Submissions", "GET", self._odata),
            (f"{form}.svc/Submissions('<instance>')", "GET", self._single),
            (f"{form}/submissions", "POST", self._create),
            (f"{form}/submissions/<instance>", "GET", self._record),
            (f"{form}/submissions/<instance>", "PATCH", self._review),
            (f"{form}/submissions/<instance>.xml", "GET", self._xml),
            (f"{form}/submissions/<instance>/versions/<version>.xml", "GET", self._version),
        ):
            self.app.add_url_rule(rule, f"{method} {rule}", view, methods=[method])

    def begin(self):
        self.tokens = {}  # token: when it expires
        self.logins = 0
        self.token_lifetime = 86400.0
        self.xml = {}  # by instanceID, in the order of receipt
        self.records = {}
        self.now = datetime(2026, 3, 9, 10, tzinfo=UTC).timestamp()
        self.public_url = None
        self.open = True

    def submit(self, name, seconds=0, **answers):
        """Store a submission, some seconds after the one before, as a phone sends it."""
        self.now += seconds
        self._store(f"uuid:{name}", f"<data>{name}</data>", answers)

    def edit(self, name, seconds=0, **answers):
        """Change a submission, some seconds after what came before."""
        self.now += seconds
        record = self.records[f"uuid:{name}"]
        record |= answers
        record["__system"] |= {"updatedAt": self._stamp()}

    def _stamp(self):
        stamp = datetime.fromtimestamp(self.now, UTC).isoformat(timespec="milliseconds")
        return stamp.replace("+00:00", "Z")

    def _store(self, instance, xml, answers):
        self.xml[instance] = xml
        system = {"submissionDate": self._stamp(), "updatedAt": None, "reviewState": None}
        self.records[instance] = {"__id": instance, "__system": system, **answers}

    def _authorize(self):
        if request.path == "/v1/sessions":
            return None
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            return problem(401.3, "This authentication method is only available over HTTPS")
        if kind != "Bearer" or self.tokens.get(token, 0) <= time.time():
            return problem(401.2, "Could not authenticate with the provided credentials.")
        return None

    def _log_in(self):
        if request.get_json() != {"email": EMAIL, "password": PASSWORD}:
            return problem(401.2, "Could not authenticate with the provided credentials.")
        self.logins += 1
        token, until = f"t0k3n-{self.logins}-lSpAIeksRu1CNZs7", time.time() + self.token_lifetime
        self.tokens[token] = until
        ends = datetime.fromtimestamp(until, UTC).isoformat(timespec="milliseconds")
        return jsonify({"token": token, "csrf": "x", "expiresAt": ends.replace("+00:00", "Z")})

    def _odata(self):
        expand, condition = request.args.get("$expand"), request.args.get("$filter")
        if expand not in {None, "*"}:
            return problem(501.6, "The given OData expand expression is not supported")
        condition = condition or "__system/submissionDate ge 2000-01-01T00:00:00Z"
        bounds = [
            re.fullmatch(r"__system/(submissionDate|updatedAt) (?:ge|gt) (\S+)", part)
            for part in condition.split(" or ")
        ]
        if None in bounds:
            return problem(501.4, "The given OData filter expression uses features not supported")
        rows = [self._row(record, expand) for record in self.records.values()]
        rows = [row for row in rows if any(_is_since(row, *bound.groups()) for bound in bounds)]
        rows.reverse()  # newest first, as Central sends them
        return jsonify(self._page(rows))

    def _page(self, rows):
        skip = int(request.args.get("$skiptoken", 0))
        top = int(request.args.get("$top", len(rows) or 1))
        page = {"@odata.context": "…/$metadata#Submissions", "value": rows[skip : skip + top]}
        if skip + top < len(rows):
            query = urlencode({**request.args, "$skiptoken": skip + top})
            page["@odata.nextLink"] = f"{self.public_url or self.url}{request.path}?{query}"
        return page

    def _row(self, record, expand):
        if expand:
            return record
        return {
            key: value if not isinstance(value, list) else None for key, value in record.items()
        }

    def _single(self, instance):
        record = self.records.get(instance)
        return jsonify({"value": [record]}) if record else problem(404.1, "Could not find it")

    def _create(self):
        xml = request.get_data().decode()
        assert request.content_type == "application/xml"
        try:
            ((_, root),) = xmltodict.parse(xml).items()
        except Exception:
            return problem(400.1, "Could not parse the given data as xml.")
        instance = root["meta"]["instanceID"]
        if not self.open:
            return problem(409.2, "This form is not currently accepting submissions.")
        if root.get("@version") != VERSION:
            return problem(404.6, "The form version specified does not exist.")
        if instance in self.xml:  # even with the same XML: this is not the OpenRosa URL
            message = f"A resource already exists with instanceId value(s) of {instance}."
            return problem(409.3, message)
        self._store(instance, xml, {key: root[key] for key in root if key[0] != "@"})
        return jsonify({"instanceId": instance, "createdAt": "2026-03-09T10:00:00.000Z"})

    def _record(self, instance):
        return jsonify({"instanceId": instance, "createdAt": "2026-03-09T10:00:00.000Z"})

    def _review(self, instance):
        self.records[instance]["__system"] |= request.get_json()
        return jsonify({"instanceId": instance, **request.get_json()})

    def _xml(self, instance):
        if instance not in self.xml:
            return problem(404.1, "Could not find the resource you were looking for.")
        return Response(self.xml[instance], content_type="application/xml")

    def _version(self, instance, version):
        assert instance == version
        return self._xml(instance)


class Aggregate:
    """A server with the form `visit`, behind digest authentication."""

    def __init__(self):
        self.app = Flask(__name__)
        self.app.secret_key = "test"
        self.begin()
        digest = HTTPDigestAuth(realm="Aggregate", qop="auth", algorithm="MD5")
        digest.get_password({USER: PASSWORD}.get)
        # Flask's session would store them in a cookie. Aggregate signs its nonces.
        digest.generate_nonce(lambda: "n0nce")
        digest.generate_opaque(lambda: "opaque")
        digest.verify_nonce(lambda nonce: nonce == "n0nce")
        digest.verify_opaque(lambda opaque: opaque == "opaque")
        for rule, method, view in (
            ("/view/submissionList", "GET", self._list),
            ("/view/downloadSubmission", "GET", self._download),
            ("/submission", "POST", self._submit),
        ):
            protected = digest.login_required(view)
            self.app.add_url_rule(rule, f"{method} {rule}", protected, methods=[method])

    def begin(self):
        self.forms = {FORM: {}}  # by instanceID: the XML inside the root element
        self.media = {}

    def _list(self):
        form = self.forms.get(request.args["formId"])
        if form is None:
            return Response("<html>Form not found</html>", 404)
        cursor = request.args.get("cursor", "")
        start = int(xmltodict.parse(cursor)["cursor"]["uriLastReturnedValue"]) if cursor else 0
        ids = list(form)[start : start + int(request.args["numEntries"])]
        number = f"<uriLastReturnedValue>{start + len(ids)}</uriLastReturnedValue>"
        cursor = escape(f'<cursor xmlns="http://www.opendatakit.org/cursor">{number}</cursor>')
        id_list = "".join(f"<id>{instance}</id>\n" for instance in ids)
        return _xml(
            f'<idChunk xmlns="http://opendatakit.org/submissions"><idList>{id_list}</idList>'
            f"<resumptionCursor>{cursor}</resumptionCursor></idChunk>"
        )

    def _download(self):
        key = re.fullmatch(
            r"(\w+)\[@version=null and @uiVersion=null\]/data\[@key=(\S+)\]",
            request.args["formId"],
        )
        content = self.forms[key[1]].get(key[2])
        if content is None:
            return Response("<html>Problem accessing data</html>", 500)
        files = "".join(
            f"<mediaFile><filename>{name}</filename></mediaFile>"
            for name in self.media.get(key[2], ())
        )
        return _xml(
            '<submission xmlns="http://opendatakit.org/submissions" '
            'xmlns:orx="http://openrosa.org/xforms" ><data>'
            f'<data id="{FORM}" instanceID="{key[2]}" isComplete="true">{content}'
            f"<orx:meta><orx:instanceID>{key[2]}</orx:instanceID></orx:meta></data></data>\n"
            f"{files}</submission>"
        )

    def _submit(self):
        text = request.files["xml_submission_file"].read().decode()
        ((_, root),) = xmltodict.parse(text).items()
        if root["@id"] not in self.forms:
            return Response("<html>Form not found</html>", 404)
        self.forms[root["@id"]].setdefault(
            root["meta"]["instanceID"], re.sub("^<data[^>]*>|</data>$", "", text)
        )
        if "X-OpenRosa-Version" not in request.headers:
            return Response("<html><body><p>Successful submission upload.</p></body></html>", 201)
        message = "<message>full submission upload was successful!</message>"
        return _xml(
            '<OpenRosaResponse xmlns="http://openrosa.org/http/response">'
            f"{message}</OpenRosaResponse>",
            201,
        )


def _xml(text, status=200):
    return Response(text, status, content_type="text/xml; charset=utf-8")


def _is_since(record, field, start):
    time_of_field = record["__system"].get(field)
    return bool(time_of_field) and _parse(time_of_field) >= _parse(start)


def _parse(text):
    return datetime.fromisoformat(text)
