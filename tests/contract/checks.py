"""A check of the project's own: a request that makes no sense is told which field is at fault."""

import schemathesis

# About no field of the body (src/api/http/pointers.rs); the last one is about the date in the path.
NO_FIELD = {"idempotency_key_reused", "not_for_this_kind", "statement_too_long", "special_day_invalid"}


@schemathesis.check
def unprocessable_names_its_field(ctx, response, case):
    if response.status_code != 422 or case.method == "GET":
        return
    problem = response.json()
    assert problem["code"] in NO_FIELD or problem.get("errors"), f"{problem['code']} names no field"
