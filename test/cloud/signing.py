"""Signs what schemathesis sends, as clients of AWS do."""

import os

import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class Signed(requests.auth.AuthBase):
    def __call__(self, request):
        credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        unsigned = AWSRequest(method=request.method, url=request.url, data=request.body or b"")
        SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(unsigned)
        for name in ("Authorization", "X-Amz-Date"):
            request.headers[name] = unsigned.headers[name]
        return request


schemathesis.auth.set_from_requests(Signed())
