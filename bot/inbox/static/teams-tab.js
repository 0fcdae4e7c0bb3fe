// The tab of Teams: asks Teams who this is, and sends its token to the server.
"use strict";
(async () => {
  const form = document.getElementById("teams"), wrong = document.getElementById("wrong");
  try {
    await microsoftTeams.app.initialize();
    form.elements.token.value = await microsoftTeams.authentication.getAuthToken();
    microsoftTeams.app.notifySuccess();
    form.submit();
  } catch (error) {
    console.info("teams", String(error && error.message || error));
    document.getElementById("wait").hidden = true;
    wrong.hidden = false;
  }
})();
