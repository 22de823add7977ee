"Everything this package is stands in settings.ini; this file only hands it to setuptools."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
config = ConfigParser(delimiters=["="])
config.read(here / "settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]

# `pytorch_requirements` becomes the extra `pytorch`; `all` is every track, without `dev`.
extras = {key.removesuffix("_requirements"): cfg[key].split()
          for key in cfg if key.endswith("_requirements")}
extras["all"] = sorted({r for name, rs in extras.items() if name != "dev" for r in rs})

# On PyPI the README's pictures and links need whole addresses.
readme = (here / "README.md").read_text(encoding="utf-8")
at = f"{cfg['user']}/{cfg['repo']}"
for folder, base in {
    "README_files/": f"https://raw.githubusercontent.com/{at}/{cfg['branch']}/README_files/",
    "nbs/": f"{cfg['git_url']}/blob/{cfg['branch']}/nbs/",
}.items(): readme = readme.replace(f"]({folder}", f"]({base}")

setup(
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=readme,
    long_description_content_type="text/markdown",
    keywords=cfg["keywords"],
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["doc_host"] + cfg["doc_baseurl"],
    project_urls={"Source": cfg["git_url"], "Issues": cfg["git_url"] + "/issues",
                  "Changelog": f"{cfg['git_url']}/blob/{cfg['branch']}/CHANGELOG.md"},
    classifiers=["Intended Audience :: Education", "Intended Audience :: Science/Research",
                 "Programming Language :: Python :: 3",
                 "Topic :: Scientific/Engineering :: Artificial Intelligence", "Typing :: Typed"],
    license_expression=cfg["license"].upper(),
    license_files=["LICENSE"],
    python_requires=f">={cfg['min_python']}",
    packages=find_packages(include=["gan_course", "gan_course.*"]),
    package_data={"gan_course": ["py.typed", "judges/*.safetensors"]},
    install_requires=cfg["requirements"].split(),
    extras_require=extras,
    entry_points={"console_scripts": cfg["console_scripts"].split()},
    zip_safe=False,
)
