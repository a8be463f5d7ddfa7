/**
 * One dialog asks before anything with `data-confirm="sentence"`: a form (on submit) or a button or link (on click).
 * `data-confirm-word="江城大学"` demands that the word is typed; `data-confirm-ok="停用"` names the button.
 * Listens in the capture phase, so htmx and the outbox see only what was confirmed.
 */
const confirmed = new WeakSet<Element>()

const ask = (el: HTMLElement): Promise<boolean> =>
  sure(el.dataset.confirm ?? '', { ok: el.dataset.confirmOk, tone: el.dataset.confirmTone, word: el.dataset.confirmWord })

/** Asks from a script, in the same dialog. */
export function sure(sentence: string, { ok: named, tone, word = '' }: { ok?: string; tone?: string; word?: string } = {}): Promise<boolean> {
  const dialog = document.querySelector<HTMLDialogElement>('#confirm')
  if (!dialog) return Promise.resolve(window.confirm(sentence))
  const part = <T extends HTMLElement>(name: string): T => dialog.querySelector<T>(`[data-part="${name}"]`)!
  const ok = part<HTMLButtonElement>('ok'), input = part<HTMLInputElement>('input')
  part('sentence').textContent = sentence
  ok.textContent = named ?? '确定'
  ok.classList.toggle('btn-danger', Boolean(word) || tone === 'bad')
  ok.classList.toggle('btn-primary', !ok.classList.contains('btn-danger'))
  part('typed').hidden = !word
  part('word').textContent = word
  input.value = ''
  const check = (): void => { ok.disabled = Boolean(word) && input.value.trim() !== word }
  input.oninput = check
  check()
  dialog.returnValue = ''
  dialog.showModal()
  if (word) input.focus()
  else part('cancel').focus()
  return new Promise((done) => dialog.addEventListener('close', () => done(dialog.returnValue === 'ok'), { once: true }))
}

function hold(event: Event): void {
  event.preventDefault()
  event.stopImmediatePropagation()
}

export function watchConfirm(): void {
  document.addEventListener('click', (event) => {
    const el = (event.target as Element | null)?.closest<HTMLElement>('[data-confirm]:not(form)')
    if (!el || confirmed.delete(el)) return
    hold(event)
    const button = el as HTMLButtonElement
    if (button.type === 'submit' && button.form && !button.formNoValidate && !button.form.reportValidity()) return
    void ask(el).then((yes) => {
      if (!yes) return
      confirmed.add(el)
      el.click()
    })
  }, true)
  document.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    if (!form.dataset.confirm || confirmed.delete(form)) return
    hold(event)
    const submitter = (event as SubmitEvent).submitter
    void ask(form).then((yes) => {
      if (!yes) return
      confirmed.add(form)
      form.requestSubmit(submitter)
    })
  }, true)
}
