// Takes the secret of a link from behind the # into the form, and out of the address: it is to be in no history and no bookmark.

const secret = location.hash.slice(1);
const field = document.querySelector("#link");

if (secret && field) {
  field.value = secret;
  history.replaceState(null, "", location.pathname);
  document.querySelector("button")?.focus();
}
