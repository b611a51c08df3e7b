"""The local table and moto's DynamoDB answer every call alike."""

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from openfn.storage.errors import CallRefused
from workbench.store import queries
from workbench.store.database import Database
from workbench.store.tables import Index, Table

_NAME = "table"
_INDEX = Index("attention", "attention", "attention_at", frozenset({"inbox"}))
_texts = st.sampled_from(["", "a", "b", "ab", "10", "9", "é"])
_numbers = st.sampled_from(["0", "1", "1.0", "10", "9", "-1", "1e2", "0.50"])
_others = [{"B": b"a"}, {"BOOL": True}, {"NULL": True}, {"L": [{"S": "a"}]}, {"M": {}}]
# moto fails when it compares values of different types: `x` is a text, `n` a number.
_attributes = st.fixed_dictionaries(
    {},
    optional={
        "x": st.builds(lambda text: {"S": text}, _texts),
        "n": st.builds(lambda text: {"N": text}, _numbers),
        "y": st.sampled_from(_others),
    },
)
_keys = st.builds(
    lambda pk, sk: {"pk": {"S": pk}, "sk": {"S": sk}},
    st.sampled_from(["p", "q"]),
    st.sampled_from(["a", "a#1", "a#2", "b"]),
)
_attention = st.sampled_from([{}, {"attention": {"S": "failed"}}, {"attention": {"S": "waiting"}}])
_comparisons = st.one_of(
    st.builds(
        "{} {} {}".format,
        st.just("#x"),
        st.sampled_from(["=", "<", "<=", ">", ">="]),
        st.sampled_from([":v", ":w"]),
    ),
    st.builds("#n {} :one".format, st.sampled_from(["=", "<", "<=", ">", ">="])),
    st.sampled_from(
        [
            "attribute_exists(#x)",
            "attribute_not_exists(#y)",
            "attribute_not_exists(pk)",
            "begins_with(#x, :v)",
            "contains(#x, :v)",
            "#x BETWEEN :v AND :w",
            "#x IN (:v, :w)",
        ]
    ),
)
_conditions = st.one_of(
    _comparisons,
    st.builds("NOT {}".format, _comparisons),
    st.builds("{} AND {}".format, _comparisons, _comparisons),
    st.builds("{} OR {}".format, _comparisons, _comparisons),
    st.builds("({} OR {}) AND {}".format, _comparisons, _comparisons, _comparisons),
    st.builds("{} OR {} AND {}".format, _comparisons, _comparisons, _comparisons),
)
_actions = st.sampled_from(
    [
        "SET #x = :v",
        "SET #x = if_not_exists(#x, :v), #y = :w",
        "REMOVE #x",
        "ADD #n :one",
        "SET #n = if_not_exists(#n, :one) + :one",
        "SET #n = :one REMOVE #y, #x",
        "SET #x = :v REMOVE #y ADD #n :one",
    ]
)


def _request(key, text, values, **fields):
    names = {"#x": "x", "#y": "y", "#n": "n"}
    placeholders = {":v": {"S": values[0]}, ":w": {"S": values[1]}, ":one": {"N": "1"}}
    return {
        "TableName": _NAME,
        **fields,
        **({"Key": key} if key else {}),
        **_nonempty("ExpressionAttributeNames", {k: v for k, v in names.items() if k in text}),
        **_nonempty(
            "ExpressionAttributeValues", {k: v for k, v in placeholders.items() if k in text}
        ),
    }


def _nonempty(name, content):
    return {name: content} if content else {}


@st.composite
def _writes(draw):
    key, values = draw(_keys), draw(st.tuples(_texts, _texts))
    condition = draw(st.one_of(st.just(""), _conditions))
    returned = draw(st.sampled_from(["NONE", "ALL_OLD"]))
    fields = {"ConditionExpression": condition} if condition else {}
    fields["ReturnValuesOnConditionCheckFailure"] = draw(st.sampled_from(["NONE", "ALL_OLD"]))
    match draw(st.sampled_from(["put", "update", "delete"])):
        case "put":
            attributes = draw(_attributes)
            marks = draw(_attention)
            if marks:
                marks = {**marks, "attention_at": {"S": draw(st.sampled_from(["1", "2"]))}}
            item = {**key, **attributes, **marks}
            return "put_item", _request(None, condition, values, Item=item, **fields)
        case "update":
            action = draw(_actions)
            fields |= {"UpdateExpression": action}
            return "update_item", _request(key, condition + action, values, **fields)
        case _:
            fields |= {"ReturnValues": returned}
            return "delete_item", _request(key, condition, values, **fields)


@st.composite
def _transactions(draw):
    verbs = {"put_item": "Put", "update_item": "Update", "delete_item": "Delete"}
    entries = []
    for operation, request in draw(st.lists(_writes(), min_size=1, max_size=3)):
        request.pop("ReturnValues", None)
        entries.append({verbs[operation]: request})
    return "transact_write_items", {"TransactItems": entries}


@st.composite
def _queries(draw):
    low, high = draw(st.tuples(st.sampled_from(["a", "a#"]), st.sampled_from(["a$", "b"])))
    text, values = draw(
        st.sampled_from(
            [
                ("#pk = :pk", {}),
                ("#pk = :pk AND #sk BETWEEN :low AND :high", {":low": low, ":high": high}),
                ("#pk = :pk AND begins_with(#sk, :low)", {":low": low}),
                ("#pk = :pk AND #sk > :low", {":low": low}),
            ]
        )
    )
    request = {
        "TableName": _NAME,
        "KeyConditionExpression": text,
        "ExpressionAttributeNames": {"#pk": "pk", **({"#sk": "sk"} if "#sk" in text else {})},
        "ExpressionAttributeValues": {k: {"S": v} for k, v in {":pk": "p", **values}.items()},
        "ScanIndexForward": draw(st.booleans()),
    }
    if draw(st.booleans()):
        request["Limit"] = draw(st.integers(1, 3))
    return "query", request


_calls = st.one_of(
    _writes(),
    _writes(),
    _transactions(),
    _queries(),
    st.builds(
        lambda keys: ("batch_get_item", {"RequestItems": {_NAME: {"Keys": keys}}}),
        st.lists(_keys, min_size=1, max_size=3, unique_by=str),
    ),
)


@pytest.fixture(scope="module")
def moto_client():
    with mock_aws():
        yield boto3.client(
            "dynamodb",
            region_name="eu-west-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture
def table(moto_client, tmp_path):
    return _Pair(moto_client, Table(Database(), _NAME, [_INDEX]))


class _Pair:
    """The same table twice."""

    def __init__(self, moto_client, table):
        self.moto, self.table = moto_client, table
        self.create()

    def create(self):
        if _NAME in self.moto.list_tables()["TableNames"]:
            self.moto.delete_table(TableName=_NAME)
        self.moto.create_table(
            TableName=_NAME,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"}
                for name in ("pk", "sk", "attention", "attention_at")
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "attention",
                    "KeySchema": [
                        {"AttributeName": "attention", "KeyType": "HASH"},
                        {"AttributeName": "attention_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["inbox"]},
                }
            ],
        )
        self.table = Table(Database(), _NAME, [_INDEX])

    def call(self, operation, request):
        ours = queries.query if operation == "query" else getattr(self.table, operation)
        arguments = (self.table,) if operation == "query" else ()
        return _outcome(getattr(self.moto, operation), (), request), _outcome(
            ours, arguments, request
        )


def _outcome(call, arguments, request):
    try:
        response = call(*arguments, **request)
    except (ClientError, CallRefused) as error:
        code = error.response["Error"]["Code"]
        reasons = [
            (reason["Code"], reason.get("Item") or None)
            for reason in error.response.get("CancellationReasons", [])
        ]
        if any(reason == "ValidationError" for reason, _ in reasons):
            code, reasons = "ValidationException", []  # moto refuses the whole request
        return code, reasons, _plain(error.response.get("Item") or {})
    for name in ("ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics"):
        response.pop(name, None)
    return _plain(response)


def _plain(value):
    if isinstance(value, dict):
        if set(value) == {"N"}:
            return float(value["N"])
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(calls=st.lists(_calls, min_size=1, max_size=12))
def test_random_calls_have_the_same_result(table, calls):
    table.create()
    for operation, request in calls:
        expected, actual = table.call(operation, request)
        assert actual == expected, (operation, request)
    query = {
        "TableName": _NAME,
        "IndexName": "attention",
        "KeyConditionExpression": "attention = :kind",
        "ExpressionAttributeValues": {":kind": {"S": "failed"}},
    }
    expected, actual = table.call("query", query)
    by_key = lambda item: (item["pk"]["S"], item["sk"]["S"])  # noqa: E731 - only used here
    assert sorted(actual["Items"], key=by_key) == sorted(expected["Items"], key=by_key)
