"""Lets bodies pass as they come, as a gateway must, instead of gathering each whole."""


def requestheaders(flow):
    flow.request.stream = True


def responseheaders(flow):
    flow.response.stream = True
