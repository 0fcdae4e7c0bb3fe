// Passkeys: asks the device when a form with data-passkey is sent, and sends its answer along.
"use strict";
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  async function created(options) {
    const made = await navigator.credentials.create({ publicKey: {
      ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: described(options.excludeCredentials) } });
    return { id: made.id, rawId: text(made.rawId), type: made.type, response: {
      clientDataJSON: text(made.response.clientDataJSON), attestationObject: text(made.response.attestationObject) } };
  }

  async function asserted(options) {
    const found = await navigator.credentials.get({ publicKey: {
      ...options, challenge: bytes(options.challenge), allowCredentials: described(options.allowCredentials) } });
    const { clientDataJSON, authenticatorData, signature, userHandle } = found.response;
    return { id: found.id, rawId: text(found.rawId), type: found.type, response: {
      clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null } };
  }

  async function answered(form) {
    const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    const options = await answer.json();
    return form.dataset.passkey === "create" ? created(options) : asserted(options);
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.passkey) return;
    event.preventDefault();
    const button = form.querySelector("button"), wrong = form.querySelector(".error");
    button.disabled = true;
    wrong.hidden = true;
    try {
      form.elements.answer.value = JSON.stringify(await answered(form));
      HTMLFormElement.prototype.submit.call(form);
    } catch (error) {
      console.info("passkey", error.name);
      wrong.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
})();
