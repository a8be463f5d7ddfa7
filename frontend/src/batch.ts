/**
 * Batch bar: inside `<form data-batch>` the boxes `name="ids"` are counted; `[data-batch-bar]` shows while any is ticked;
 * a box `[data-batch-all]` ticks the page.
 */
function count(form: HTMLElement): void {
  const boxes = [...form.querySelectorAll<HTMLInputElement>('input[name=ids]')]
  const ticked = boxes.filter((box) => box.checked).length
  const all = form.querySelector<HTMLInputElement>('[data-batch-all]')
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length
    all.indeterminate = ticked > 0 && ticked < boxes.length
  }
  const bar = form.querySelector<HTMLElement>('[data-batch-bar]')
  if (!bar) return
  bar.hidden = ticked === 0
  bar.querySelector('[data-part="count"]')!.textContent = String(ticked)
}

export function watchBatch(): void {
  document.addEventListener('change', (event) => {
    const input = event.target as HTMLInputElement
    const form = input.closest<HTMLElement>('[data-batch]')
    if (!form) return
    if (input.matches('[data-batch-all]')) form.querySelectorAll<HTMLInputElement>('input[name=ids]').forEach((box) => { box.checked = input.checked })
    count(form)
  })
  document.addEventListener('htmx:after:swap', () => document.querySelectorAll<HTMLElement>('[data-batch]').forEach(count))
}
