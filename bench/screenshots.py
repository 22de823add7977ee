"""What TensorBoard's page looks like: pictures of its tabs, taken in a headless browser, for the flowers lab.

    python bench/screenshots.py --logdir logs --out nbs/flowers

Needs Chromium (Debian: apt install chromium). The page is served by this machine and fetches nothing from elsewhere. Each
picture is reduced to so few colours that it stays below 150 KB.
"""
import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from gan_course.basics import CourseError
from gan_course.board import serve
from gan_course.runs import atomic_path

LARGEST = 149_000 # bytes
TABS = { # name -> what follows the address, and the size of the window
    "scalars": ("#scalars&tagFilter=score%7Closs%7Crank_%7Cfrechet&_smoothingWeight=0.6", (1400, 1340)),
    "images": ("#images", (1400, 760)),
    "text": ("#text", (1400, 760)),
    "hparams": ("#hparams", (1400, 420)),
}


def find_browser():
    "The path of Chromium or Chrome; `CourseError` if there is none."
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name): return path
    raise CourseError("there is no Chromium here; on Debian and Ubuntu: apt install chromium")


def screenshot(browser, url, size, wait=25):
    "A picture of a page, once its scripts had `wait` seconds of virtual time."
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder)/"page.png"
        done = subprocess.run([browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                               f"--user-data-dir={folder}/profile", f"--window-size={size[0]},{size[1]}",
                               f"--virtual-time-budget={wait * 1000}", f"--screenshot={file}", url],
                              capture_output=True, text=True, errors="replace", timeout=240)
        if not file.is_file(): raise CourseError(f"the browser made no picture: {done.stderr.strip()[-200:]}")
        with Image.open(file) as picture: return picture.convert("RGB")


def small_png(picture, largest=LARGEST):
    "The bytes of a PNG below `largest`: fewer colours, then fewer pixels."
    for scale in (1, 0.85, 0.7, 0.5):
        smaller = picture.resize([round(side * scale) for side in picture.size], Image.Resampling.LANCZOS) if scale < 1 else picture
        for colours in (256, 128, 64):
            file = io.BytesIO()
            smaller.quantize(colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
            if file.tell() <= largest: return file.getvalue()
    raise CourseError("the picture is too rich in detail to be stored in so few bytes; take a smaller window")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logdir", type=Path, default=Path("logs"))
    parser.add_argument("--out", type=Path, default=Path("nbs/flowers"))
    parser.add_argument("--tabs", nargs="+", choices=TABS, default=list(TABS))
    o = parser.parse_args(arguments)
    try:
        browser = find_browser()
        with serve(o.logdir) as address:
            for name in o.tabs:
                path, (fragment, size) = o.out/f"tensorboard_{name}.png", TABS[name]
                data = small_png(screenshot(browser, address + fragment, size))
                with atomic_path(path) as tmp: tmp.write_bytes(data)
                print(f"{path} {len(data):,} bytes")
    except CourseError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__": sys.exit(main())
