"""Projects for the JVM: Maven, Gradle and sbt, by the wrapper script where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_env.hints.sources.cargo import below, implied
from runner_env.hints.sources.tree import folder_of, line_of

if TYPE_CHECKING:
    from runner_env.hints.model import Candidate
    from runner_env.hints.sources.tree import Tree

_TESTS = (
    r"(?:.*/)?(?:src/(?:\w*[tT]est\w*)/(?:java|kotlin|groovy|scala|clojure|resources)/.*|(?:test|tests|src)/.*(?:Test|Tests|Spec"
    r"|TestCase|IT)\.(?:java|kt|groovy|scala))"
)
_GRADLE = ("settings.gradle", "settings.gradle.kts", "build.gradle", "build.gradle.kts")


def find(tree: Tree) -> list[Candidate]:
    """The test command of each build file at the shallowest level."""
    found: list[Candidate] = []
    for path in tree.manifests("pom.xml"):
        line = line_of(tree.text(path), r"<(?:modules|build|artifactId)>")
        found += _tested(tree, path, "mvnw", "mvn", line)
    seen: set[str] = set()
    for path in tree.manifests(*_GRADLE):
        if folder_of(path) not in seen:
            seen.add(folder_of(path))
            line = line_of(tree.text(path), r"^\s*(?:test|tasks\.\w+.*[tT]est|plugins|rootProject)\b")
            found += _tested(tree, path, "gradlew", "gradle", line)
    for path in tree.manifests("build.sbt"):
        if below(tree, folder_of(path), _TESTS, 1):
            found.append(implied("sbt test", path, 1, 0.8))
    for path in tree.manifests("project.clj"):
        if below(tree, folder_of(path), r"(?:.*/)?test/.*\.cljc?", 1):
            found.append(implied("lein test", path, 1, 0.8))
    if tree.has("build.xml") and 'name="test"' in tree.text("build.xml"):
        found.append(implied("ant test", "build.xml", line_of(tree.text("build.xml"), r'name="test"'), 0.7))
    return found


def _tested(tree: Tree, path: str, wrapper: str, program: str, line: int) -> list[Candidate]:
    folder = folder_of(path)
    if not below(tree, folder, _TESTS, 1):
        return []
    here = f"{folder}/{wrapper}".lstrip("/")
    return [implied(f"./{wrapper} test" if tree.has(here) else f"{program} test", path, line, 0.8)]
