"""Is a published description valid OpenAPI 3.1?"""

import json
import sys
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator

with urllib.request.urlopen(sys.argv[1], timeout=60) as answer:
    description = json.load(answer)
assert description["openapi"].startswith("3.1"), description["openapi"]
wrong = [f"{list(error.absolute_path)}: {error.message}" for error in OpenAPIV31SpecValidator(description).iter_errors()]
if wrong:
    sys.exit("no valid OpenAPI 3.1:\n" + "\n".join(wrong))
print(f"contract: {sys.argv[1]} is valid OpenAPI {description['openapi']}")
