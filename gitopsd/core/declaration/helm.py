"""`spec.source.helm`: what an Application gives a chart."""

from __future__ import annotations

from gitopsd.core.declaration.fields import Fields
from gitopsd.model.application import HelmOptions, HelmParameter

VERSIONS = ("", "v2", "v3")  # of Helm: all are rendered alike, as in Argo CD


def helm_options(block: Fields) -> HelmOptions:
    """Return what the block says.

    Raises:
        InvalidDeclaration: a field is not of its type, or a parameter has no name.
    """
    values_object = block.mapping("valuesObject")
    options = HelmOptions(
        value_files=block.texts("valueFiles"),
        ignore_missing_value_files=block.flag("ignoreMissingValueFiles"),
        values=block.text("values"),
        values_object=values_object.value() if values_object is not None else None,
        parameters=_parameters(block),
        file_parameters=_file_parameters(block),
        release_name=block.text("releaseName"),
        namespace=block.text("namespace"),
        skip_crds=block.flag("skipCrds"),
        skip_tests=block.flag("skipTests"),
        skip_schema_validation=block.flag("skipSchemaValidation"),
        pass_credentials=block.flag("passCredentials"),
        kube_version=block.text("kubeVersion"),
        api_versions=block.texts("apiVersions"),
    )
    if block.text("version") not in VERSIONS:
        raise block.refuse("version", "is neither v2 nor v3", "leave it out")
    if options.values and options.values_object is not None:
        block.warnings.add(f"{block.path}.values has no effect where valuesObject is given")
    block.close()
    return options


def _parameters(block: Fields) -> tuple[HelmParameter, ...]:
    parameters = []
    for parameter in block.mappings("parameters") or ():
        name = _name(parameter)
        parameters.append(HelmParameter(name, parameter.text("value"), parameter.flag("forceString")))
        parameter.close()
    return tuple(parameters)


def _file_parameters(block: Fields) -> dict[str, str]:
    paths = {}
    for parameter in block.mappings("fileParameters") or ():
        paths[_name(parameter)] = parameter.text("path")
        parameter.close()
    return paths


def _name(parameter: Fields) -> str:
    if not parameter.text("name"):
        raise parameter.refuse("name", "is missing", "write the path of a value, such as image.tag")
    return parameter.text("name")
