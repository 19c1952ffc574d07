"""Photographs the page of a trained model with an answer on it.

Example:
    python tests/test_web/take_screenshot.py work_dirs/demo \
        data/fonts/test/DejaVuSans/006.png docs/images/page.png \
        --examples data/fonts/test
"""

import argparse
import time
from pathlib import Path

from browser import open_tab
from served_page import served

SIZE = 1240, 1190


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', help='work dir of a training')
    parser.add_argument('image', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('--examples', type=Path)
    args = parser.parse_args()

    from mmc2f.cli.model_files import find_model, open_model
    from mmc2f.web.examples import Examples
    from mmc2f.web.live_answers import LiveAnswers
    from mmc2f.web.visit import Visits

    files = find_model(args.model)
    model = open_model(files, files.existing_gallery(), trust=False)
    tried = Examples.in_folder(args.examples) if args.examples else None
    visits = Visits(LiveAnswers(model), examples=tried)
    title = Path(files.config).stem
    with served(visits, title) as address, open_tab(address, SIZE) as tab:
        tab.upload(args.image.absolute())
        tab.await_text('#c2f-name')
        time.sleep(2)  # pictures and transitions
        tab.driver.save_screenshot(str(args.out))


if __name__ == '__main__':
    main()
