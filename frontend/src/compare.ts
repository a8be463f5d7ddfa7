// Before and after on top of each other. The range does the work (keyboard, screen readers); the picture can be dragged, too.

/** Show the "after" picture right of `percent`, and say so. */
export function cutAt(box: HTMLElement, percent: number): void {
  box.style.setProperty('--cut', `${percent}%`)
  const range = box.querySelector<HTMLInputElement>('input')!
  range.value = String(percent)
  range.setAttribute('aria-valuetext', percent >= 98 ? '只看整改前' : percent <= 2 ? '只看整改后' : `左边 ${percent}% 是整改前，右边 ${100 - percent}% 是整改后`)
}

function element<K extends keyof HTMLElementTagNameMap>(tag: K, className: string, text = ''): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), { className, textContent: text })
}

/** Drag on the picture; taps move the line there. Vertical moves still scroll the page (touch-action in the style). */
function watchDrag(stage: HTMLElement, box: HTMLElement): void {
  const follow = (event: PointerEvent): void => {
    const { left, width } = stage.getBoundingClientRect()
    cutAt(box, Math.round(Math.min(100, Math.max(0, ((event.clientX - left) / width) * 100))))
  }
  stage.addEventListener('pointerdown', (event) => {
    if (event.button) return
    stage.setPointerCapture(event.pointerId)
    follow(event)
  })
  stage.addEventListener('pointermove', (event) => { if (stage.hasPointerCapture(event.pointerId)) follow(event) })
}

/** A slider over a pair that has both pictures: open at once with `data-compare`, else behind a button. */
export function watchCompare(pair: HTMLElement): void {
  const [before, after] = [...pair.querySelectorAll<HTMLAnchorElement>('.shot a')]
  if (!before || !after || pair.dataset.slid) return
  pair.dataset.slid = '1'
  const box = element('div', 'compare'), stage = element('div', 'stage')
  const below = Object.assign(element('img', ''), { alt: '整改前', draggable: false })
  const above = Object.assign(element('img', 'after'), { alt: '整改后', draggable: false })
  const line = element('i', 'line')
  const range = Object.assign(element('input', ''), { type: 'range', min: '0', max: '100', step: '1' })
  range.setAttribute('aria-label', '拖动对比整改前后')
  stage.append(below, above, line, element('span', 'tag is-before', '整改前'), element('span', 'tag is-after', '整改后'))
  box.append(stage, range)
  range.addEventListener('input', () => cutAt(box, Number(range.value)))
  watchDrag(stage, box)
  const button = Object.assign(element('button', 'btn mt-2'), { type: 'button' })
  const show = (open: boolean): void => {
    if (open) {
      below.src ||= before.href
      above.src ||= after.href
    }
    box.hidden = !open
    pair.hidden = open
    button.textContent = open ? '并排看' : '叠在一起对比'
  }
  button.addEventListener('click', () => show(Boolean(box.hidden)))
  cutAt(box, 50)
  show('compare' in pair.dataset)
  pair.after(box, button)
}
