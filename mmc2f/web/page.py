"""The page, in Gradio."""

import os
from html import escape
from pathlib import Path
from typing import Any

# Read while Gradio is imported: no telemetry, no look for a newer version.
os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
os.environ['HF_HUB_DISABLE_TELEMETRY'] = '1'

import gradio as gr

from mmc2f.web.knobs import MODE_NAMES, Knob
from mmc2f.web.upload import data_uri
from mmc2f.web.visit import HINT, Visits

__all__ = ['build_page', 'page_style']

HERE = Path(__file__).parent
#: Requests that wait, and sessions of which the last image is kept.
WAITING, SESSIONS = 24, 32
#: Seconds that the image of a visitor is kept.
KEPT = 1800
EXAMPLE = 96
#: Of every event: none is an endpoint for programs.
EVENT: dict[str, Any] = dict(api_visibility='private')


def build_page(visits: Visits, title: str = 'mmc2f') -> gr.Blocks:
    """Lay out the page and tie it to what it does.

    Args:
        visits: Answers.
        title: Over the page, such as the name of the model.
    """
    with gr.Blocks(
        title=title, analytics_enabled=False, fill_width=True
    ) as page:
        seen = gr.State(None, time_to_live=KEPT)
        gr.HTML(
            f'<h1>{escape(title)}</h1><p>Fine-grained classes, from coarse '
            'scores to re-ranked answers.</p>',
            elem_id='c2f-title',
        )
        with gr.Row():
            with gr.Column(scale=4, min_width=320):
                drop = _drop_zone(visits)
                picture = gr.HTML(elem_id='c2f-image')
            with gr.Column(scale=7, min_width=400):
                answer = gr.HTML(HINT, elem_id='c2f-answer')
                mode, sliders, reset = _controls(visits)
        turned = [mode, *sliders] if mode is not None else []

        def look(request: gr.Request, sent: str, *values: Any) -> tuple:
            client = request.client.host if request.client else ''
            found = visits.look(sent, client, *_split(values))
            return '', found.image, found.picture, found.answer

        def turn(image: Any, *values: Any) -> str:
            return visits.turn(image, *_split(values))

        drop.upload(
            look,
            inputs=[drop, *turned],
            outputs=[drop, seen, picture, answer],
            show_progress='minimal',
            show_progress_on=answer,
            # One at a time by the time limit, which counts the wait too.
            concurrency_limit=None,
            **EVENT,
        )
        if mode is not None:
            again: dict[str, Any] = dict(
                fn=turn,
                inputs=[seen, *turned],
                outputs=answer,
                show_progress='hidden',
                concurrency_limit=2,
                **EVENT,
            )
            for slider in sliders:
                # While it is drawn, but never more than one request at once.
                slider.input(trigger_mode='always_last', **again)
            knobs = visits.knobs
            mode.input(
                lambda mode: _shown(knobs, mode),
                inputs=mode,
                outputs=sliders,
                show_progress='hidden',
                **EVENT,
            )
            mode.input(trigger_mode='always_last', **again)
            reset.click(
                lambda: _as_at_first(visits),
                outputs=turned,
                show_progress='hidden',
                **EVENT,
            ).then(**again)
    page.queue(max_size=WAITING, api_open=False, default_concurrency_limit=2)
    page.state_session_capacity = SESSIONS
    return page


def page_style() -> dict[str, Any]:
    """Theme and style sheet, as ``gradio.mount_gradio_app`` takes them."""
    fonts = ('ui-sans-serif', 'system-ui', 'DejaVu Sans', 'sans-serif')
    theme = gr.themes.Default(
        primary_hue='blue',
        font=fonts,
        font_mono=('ui-monospace', 'monospace'),
    )
    css = (HERE / 'page.css').read_text(encoding='utf-8')
    return dict(theme=theme, css=css)


def _drop_zone(visits: Visits) -> gr.HTML:
    """Where an image goes in; what it sends is never a file on the disk."""
    limits = visits.limits
    pictures = ''.join(
        f'<button type="button" data-example="{number}" title="Try this '
        f'image"><img src="{data_uri(image, EXAMPLE)}" alt="Example '
        f'{number + 1}"></button>'
        for number, image in enumerate(visits.examples.images)
    )
    if pictures:
        pictures = f'<div class="c2f-examples">{pictures}</div>'
    return gr.HTML(
        '',
        html_template=(
            '<label class="c2f-drop"><input type="file" accept="image/*" '
            'aria-label="Image file"><span>Drop an image, paste one, or '
            f'click to choose<small>up to {limits.megabytes:g} MB and '
            f'{limits.megapixels:g} megapixels</small></span></label>'
            + pictures
        ),
        js_on_load=(HERE / 'drop_image.js').read_text(encoding='utf-8'),
        elem_id='c2f-drop',
        max_bytes=limits.max_bytes,
    )


def _controls(visits: Visits) -> tuple[Any, list[gr.Slider], Any]:
    """Mode, sliders and the button that puts them back."""
    if visits.mode is None:
        return None, [], None
    # A mode that the page does not know still is the model's own.
    names = {visits.mode: visits.mode, **MODE_NAMES}
    with gr.Group(elem_id='c2f-controls'):
        mode = gr.Radio(
            [(name, key) for key, name in names.items()],
            value=visits.mode,
            label='Re-ranking',
            info='Acts at once; the image is not looked at again.',
            elem_id='c2f-mode',
        )
        with gr.Row():
            sliders = [_slider(knob, visits.mode) for knob in visits.knobs]
    reset = gr.Button('As the model comes', size='sm', elem_id='c2f-reset')
    return mode, sliders, reset


def _slider(knob: Knob, mode: str) -> gr.Slider:
    return gr.Slider(
        knob.low,
        knob.high,
        value=knob.value,
        step=knob.step,
        label=knob.label,
        info=knob.hint,
        visible=mode in knob.modes,
        min_width=200,
        elem_id=f'c2f-{knob.name}',
        buttons=[],
    )


def _split(values: tuple) -> tuple[Any, tuple]:
    """The mode, and what the sliders say; of a page without them nothing."""
    return (values[0], values[1:]) if values else (None, ())


def _shown(knobs: list[Knob], mode: str) -> list:
    """The sliders that a mode reads."""
    return [gr.update(visible=mode in knob.modes) for knob in knobs]


def _as_at_first(visits: Visits) -> list:
    mode = visits.mode or ''
    sliders = [
        gr.update(value=knob.value, visible=mode in knob.modes)
        for knob in visits.knobs
    ]
    return [mode, *sliders]
