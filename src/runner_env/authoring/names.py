"""Which package brings what the output of a test run misses."""

from __future__ import annotations

import re


def _pairs(text: str) -> list[tuple[str, str]]:
    """Pairs written as `name=package`."""
    return [(name, package) for name, _, package in (word.partition("=") for word in text.split())]


_OF_MODULE = dict(
    _pairs("""
yaml=PyYAML cv2=opencv-python-headless PIL=Pillow sklearn=scikit-learn bs4=beautifulsoup4
dateutil=python-dateutil attr=attrs dotenv=python-dotenv git=GitPython jwt=PyJWT OpenSSL=pyOpenSSL
Crypto=pycryptodome serial=pyserial zmq=pyzmq docx=python-docx magic=python-magic MySQLdb=mysqlclient
psycopg2=psycopg2-binary skimage=scikit-image pkg_resources=setuptools<81 distutils=setuptools<81
setuptools=setuptools nose=pynose google=protobuf markdown=Markdown lxml=lxml jinja2=Jinja2 flask=Flask
django=Django pytest_asyncio=pytest-asyncio pytest_mock=pytest-mock pytest_cov=pytest-cov xdist=pytest-xdist
factory=factory-boy faker=Faker vcr=vcrpy websocket=websocket-client usb=pyusb dns=dnspython ldap=python-ldap
slugify=python-slugify socks=PySocks rest_framework=djangorestframework twisted=Twisted zope=zope.interface
ruamel=ruamel.yaml mpl_toolkits=matplotlib fitz=PyMuPDF mock=mock requests_mock=requests-mock tomli_w=tomli-w
tidylib=pytidylib Cython=Cython pyximport=Cython importlib_resources=importlib-resources
importlib_metadata=importlib-metadata typing_extensions=typing-extensions grpc=grpcio
""")
)
_OF_FIXTURE = dict(
    _pairs("""
mocker=pytest-mock benchmark=pytest-benchmark httpx_mock=pytest-httpx requests_mock=requests-mock
aiohttp_client=pytest-aiohttp event_loop=pytest-asyncio freezer=pytest-freezer httpserver=pytest-httpserver
respx_mock=respx snapshot=syrupy db=pytest-django client=pytest-django settings=pytest-django rf=pytest-django
admin_client=pytest-django faker=Faker datadir=pytest-datadir shared_datadir=pytest-datadir
subtests=pytest-subtests fs=pyfakefs socket_disabled=pytest-socket data_regression=pytest-regressions
file_regression=pytest-regressions num_regression=pytest-regressions qtbot=pytest-qt vcr=pytest-vcr
free_tcp_port=anyio mock_server=pytest-mockservers script_runner=pytest-console-scripts cases=pytest-cases
time_machine=time-machine responses=pytest-responses original_datadir=pytest-datadir lazy_datadir=pytest-datadir
virtualenv=pytest-virtualenv aioresponses=pytest-aioresponses image_regression=pytest-regressions
django_assert_num_queries=pytest-django celery_app=pytest-celery mocked_responses=responses anyio_backend=anyio
""")
)
_OF_OPTION = _pairs("""
--cov=pytest-cov --no-cov=pytest-cov -n=pytest-xdist --numprocesses=pytest-xdist --dist=pytest-xdist
--maxprocesses=pytest-xdist --timeout=pytest-timeout --asyncio=pytest-asyncio --benchmark=pytest-benchmark
--reruns=pytest-rerunfailures --ds=pytest-django --reuse-db=pytest-django --nomigrations=pytest-django
--no-migrations=pytest-django --random-order=pytest-random-order --html=pytest-html
--doctest-plus=pytest-doctestplus --mypy=pytest-mypy --flake8=pytest-flake8 --black=pytest-black
--isort=pytest-isort --ruff=pytest-ruff --pylint=pytest-pylint --mpl=pytest-mpl --snapshot=syrupy --nbval=nbval
--xdoc=xdoctest --xdoctest=xdoctest --forked=pytest-forked --disable-socket=pytest-socket
--allow-hosts=pytest-socket --allow-unix-socket=pytest-socket --checkdocs=pytest-checkdocs
--instafail=pytest-instafail --codspeed=pytest-codspeed --hypothesis=hypothesis --pycodestyle=pytest-pycodestyle
--pydocstyle=pytest-pydocstyle --mypy-ini-file=pytest-mypy-plugins --spec=pytest-spec --env=pytest-env
--memray=pytest-memray --record-mode=pytest-recording --block-network=pytest-recording --picked=pytest-picked
--split=pytest-split --splits=pytest-split --alluredir=allure-pytest --profile=pytest-profiling
--inline-snapshot=inline-snapshot --markdown-docs=pytest-markdown-docs --cov-config=pytest-cov
--pretty=pytest-pretty --sugar=pytest-sugar --run-parallel=pytest-run-parallel
--parallel-threads=pytest-run-parallel --beartype-packages=pytest-beartype --typeguard-packages=typeguard
""")
_MISSING_MODULE = re.compile(
    r"(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z_][\w.]*)|^\S*python\S*: No module named ([\w.]+)"
    r"|Error importing plugin \"([\w.]+)\"|pkg_resources\.DistributionNotFound: The '([\w.-]+)",
    re.MULTILINE,
)
_MISSING_FIXTURE = re.compile(r"fixture '(\w+)' not found")
_ARGUMENTS = re.compile(r"unrecognized arguments: (.*)")
_NO_ASYNC = re.compile(r"async def functions are not natively supported|Unknown pytest\.mark\.asyncio")
_PLUGINS = re.compile(r"Missing required plugins: ([\w ,.<>=-]+)")
_NODE_MODULE = re.compile(
    r"(?:Cannot find (?:module|package)|Could not resolve|Failed to resolve import) ['\"]([^'\"\n]+)['\"]"
)
_LIBRARY = re.compile(
    r"^(?:#\s+Error:\s+)?Can't locate ([\w/]+\.pm) in @INC"
    r"|cannot load such file -- ([\w/.-]+)|Could not find gem '([\w.-]+)",
    re.MULTILINE,
)
_NOT_FOUND = re.compile(r"(?:^|\s)(?:\S+: )?(?:\d+: |line \d+: )?([\w.-]+): (?:command )?not found", re.MULTILINE)


def missing_modules(text: str) -> tuple[str, ...]:
    """The Python modules that an output misses, each by its first part."""
    found = (next(filter(None, match)) for match in _MISSING_MODULE.findall(text))
    return tuple(dict.fromkeys(name.split(".")[0] for name in found))


def package_of(module: str) -> str:
    """The package that most likely brings a module; empty if none can."""
    return _OF_MODULE.get(module, module.replace("_", "-"))


def missing_plugins(text: str) -> tuple[str, ...]:
    """The packages that bring the fixtures, options and marks of pytest that an output misses."""
    found = [_OF_FIXTURE.get(name, "") for name in _MISSING_FIXTURE.findall(text)]
    for arguments in _ARGUMENTS.findall(text):
        for word in arguments.split():
            found += [package for option, package in _OF_OPTION if word.partition("=")[0] == option][:1] or [
                package for option, package in _OF_OPTION if option.startswith("--") and word.startswith(option)
            ][:1]
    for listed in _PLUGINS.findall(text):
        found += [name.strip() for name in listed.split(",")]
    if _NO_ASYNC.search(text):
        found.append("pytest-asyncio")
    return tuple(dict.fromkeys(filter(None, found)))


def missing_packages(text: str) -> tuple[str, ...]:
    """The packages of Node that an output misses; of relative paths none."""
    found: list[str] = []
    for name in _NODE_MODULE.findall(text):
        if not name.startswith((".", "/", "file:", "node:", "#")):
            parts = name.split("/")
            found.append("/".join(parts[:2]) if name.startswith("@") else parts[0])
    return tuple(dict.fromkeys(found))


def missing_files(text: str) -> tuple[str, ...]:
    """The modules of the project itself that an output of Node misses, as of a build that was not made."""
    return tuple(name for name in _NODE_MODULE.findall(text) if name.startswith((".", "/")))


def missing_programs(text: str) -> tuple[str, ...]:
    """The programs that a shell did not find."""
    return tuple(dict.fromkeys(_NOT_FOUND.findall(text)))


def missing_libraries(text: str) -> tuple[str, ...]:
    """The libraries of Perl and Ruby that an output misses, as the files that were looked for.

    >>> missing_libraries("Can't locate HTTP/Status.pm in @INC (you may need to install the HTTP::Status module)")
    ('HTTP/Status.pm',)
    """
    return tuple(dict.fromkeys(next(filter(None, match)) for match in _LIBRARY.findall(text)))
