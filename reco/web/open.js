// Opens the page, or says that a part of it did not come.

try {
  await import("./app.js");
} catch (error) {
  document.body.replaceChildren(document.getElementById("unreachable").content);
  throw error;
}
