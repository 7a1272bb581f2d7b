"""The provider protocol: messages in, plain JSON to the rest of the package, messages out.

The method names are the protocol's. Every failure leaves as one line that names the object.
"""

import json
from typing import NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from seawall.engine.standin import checks, lifecycle, support
from seawall.engine.standin.answers import (
    check_failure,
    diff_response,
    reported,
    state_message,
)
from seawall.engine.standin.api import Cluster
from seawall.engine.standin.delta import compare
from seawall.engine.standin.drift import secret_paths
from seawall.engine.standin.kubeconfig import connect, read_kubeconfig
from seawall.engine.standin.naming import id_of, manifest_of
from seawall.engine.standin.support import Options, Refusal
from seawall.engine.standin.values import Sealed, has_unknowns, pack, text_at, unpack

__all__ = ["StandIn"]

_VERSION = "0.1.0-standin"
_DELETE_TIMEOUT_S = 300.0
"""The official provider's default for deletions that name no timeout."""


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    """One provider instance: the engine starts one per provider resource."""

    def __init__(self) -> None:
        self._cluster: Cluster | None = None
        self._options = Options.parse({})

    def Handshake(  # noqa: N802
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Say, as `Configure` does, that secrets are understood."""
        del request, context
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(  # noqa: N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """A version that says what this is."""
        del request, context
        return plugin_pb2.PluginInfo(version=_VERSION)

    def GetSchema(  # noqa: N802
        self, request: provider_pb2.GetSchemaRequest, context: grpc.ServicerContext
    ) -> provider_pb2.GetSchemaResponse:
        """An empty schema: programs are written against the official one."""
        del request, context
        schema = {"name": "kubernetes", "version": _VERSION}
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse unsupported options before anything else happens."""
        del context
        try:
            Options.parse(unpack(request.news).value)
        except Refusal as refusal:
            return check_failure(request.news, refusal)
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Options change in place: no option makes existing objects worthless."""
        del context
        old, new = unpack(request.old_inputs).value, unpack(request.news).value
        return diff_response(compare(old, new, frozenset()))

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Read the options and the kubeconfig; the cluster is not called yet."""
        with reported(context):
            args = unpack(request.args).value
            self._options = options = Options.parse(args)
            # An unknown kubeconfig: a preview of a cluster that the same program creates.
            if not has_unknowns(args):
                text = read_kubeconfig(options.kubeconfig)
                connection = connect(text, context=options.context, namespace=options.namespace)
                self._cluster = Cluster(connection)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Complete a manifest, or refuse a resource by name."""
        news = unpack(request.news)
        refusal = support.refusal_of_resource(request.type, news.value)
        if refusal:
            return check_failure(request.news, refusal)
        with reported(context):
            inputs = checks.complete(
                news,
                old=unpack(request.olds).value,
                resource=request.name,
                seed=request.randomSeed,
                cluster=self._cluster,
            )
        return provider_pb2.CheckResponse(inputs=pack(inputs.value, inputs.paths))

    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        """Compare inputs with inputs; what happened to the live object is for `Read`."""
        del context
        old, new = unpack(request.old_inputs).value, unpack(request.news).value
        return diff_response(compare(old, new, self._options.mutable_kinds))

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """Create, or tell what a creation would give."""
        inputs = unpack(request.properties)
        with reported(context, inputs.value):
            if request.preview:
                state = lifecycle.preview(self._cluster, inputs.value, exists=False)
                return provider_pb2.CreateResponse(properties=state_message(state, inputs))
            state = lifecycle.create(self._connected(), inputs.value, upsert=self._options.upsert)
        return provider_pb2.CreateResponse(id=id_of(state), properties=state_message(state, inputs))

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        """Update, or tell what an update would give."""
        inputs = unpack(request.news)
        with reported(context, inputs.value):
            if request.preview:
                state = lifecycle.preview(self._cluster, inputs.value, exists=True)
            else:
                state = lifecycle.update(self._connected(), inputs.value)
        return provider_pb2.UpdateResponse(properties=state_message(state, inputs))

    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        """Refresh, or import when there is no state yet; an empty answer means gone."""
        state, inputs = unpack(request.properties).value, unpack(request.inputs)
        if not text_at(state, "kind"):
            state, inputs = manifest_of(request.type, request.id), Sealed({}, frozenset())
        with reported(context, state):
            found = lifecycle.read(self._connected(), inputs.value, state)
        if found is None:
            return provider_pb2.ReadResponse()
        live, live_inputs = found
        sealed = Sealed(live_inputs, inputs.paths)
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=state_message(live, sealed),
            inputs=pack(live_inputs, secret_paths(sealed)),
        )

    def Delete(  # noqa: N802
        self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Delete, and come back when the object is gone."""
        state = unpack(request.properties).value
        with reported(context, state):
            timeout_s = request.timeout or _DELETE_TIMEOUT_S
            lifecycle.delete(self._connected(), state, timeout_s=timeout_s)
        return empty_pb2.Empty()

    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        """Refuse: no function of the official provider is here."""
        refusal = support.refusal_of_function(request.tok)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, str(refusal))

    def Construct(  # noqa: N802
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> NoReturn:
        """Refuse: charts, directories and groups are components of the official provider."""
        refusal = support.refusal_of_function(request.type)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, str(refusal))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:  # noqa: N802
        """Nothing to do: no call waits for longer than the API server answers."""
        del request, context
        return empty_pb2.Empty()

    def _connected(self) -> Cluster:
        if self._cluster is None:
            raise Refusal("the provider is not configured with a kubeconfig")
        return self._cluster
