"""Draw the font-face demo set from the faces that matplotlib ships.

Example:
    python tools/dataset_converters/make_fonts.py data/fonts
"""

import argparse

from mmc2f.datasets.fonts import FontDemoSpec, write_font_demo


def parse_args() -> argparse.Namespace:
    default = FontDemoSpec()
    parser = argparse.ArgumentParser(
        description='Draw the font-face demo set (train and test images).'
    )
    parser.add_argument('out', help='folder of the set, e.g. data/fonts')
    parser.add_argument('--seed', type=int, default=default.seed)
    parser.add_argument(
        '--train-per-class', type=int, default=default.train_per_class
    )
    parser.add_argument(
        '--test-per-class', type=int, default=default.test_per_class
    )
    parser.add_argument(
        '--size', type=int, default=default.size, help='pixels of a side'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    try:
        spec = FontDemoSpec(
            args.seed, args.train_per_class, args.test_per_class, args.size
        )
        is_new = write_font_demo(args.out, spec)
    except (OSError, ValueError) as error:
        raise SystemExit(f'make_fonts: {error}') from error
    if is_new:
        print(f'Font demo set written to {args.out}.')
    else:
        print(f'{args.out} holds this font demo set already; nothing to do.')


if __name__ == '__main__':
    main()
