"""Words of assent: a plain yes, thanks, greetings, and what holds them together.

What may ask for something else has no end (“fraud”, “over budget”, “Miriam decides”), so beside an
approval every word has to be one of these, of a value or a name that is shown, or it is asked
again. As `connectors.comments.vocabulary.plain` writes them: small, without accents.
"""

from __future__ import annotations

_EN = """
a about absolutely accept acceptable accepted accepting accepts according account ack acknowledged
agree agreed agreement agrees ahead all already also always amazing an and appreciated approval
approvals approve approved approves approving are as at authorise authorised authority authorize
authorized awesome be been behalf best bests both br by call can cc certainly change cheers clear
cleared colleagues compliance concur confirm confirmation confirmed confirming confirms congrats
congratulations consistent continue cool copy correct course covered day deal dear decision
definitely described did discussed do doing done down effort either end endorse endorsed enjoy
ensure evening everyone everything excellent execute executed executing expected fantastic finance
fine first for formally forward from fully fyi get give given giving glad gladly go going good got
grant granted great green guys had happy has have having here hereby hey hi hope i ios iphone is
it its job just k kind kindly kk knows legal lgtm light line list looked looking looks lot love
made make makes manager many match matches me meeting meets met mine month morning much my nice
noon note noted now of officially ok okay okay'd okey okidoki okie okk on one our outlook
outstanding overall part per perfect perfectly phone plan planned please pleased pleasure policies
policy prepared preparing presented proceed proceeding process processed proposal proposed quick
quickly quite read ready really receive received regard regards release released releasing request
requested requests respect review reviewed reviewing right roger run running sales saw says see
seems seen send sending sense sent sgtm ship shipped shown shows side sign signed sincerely so
solid sound sounds splendid spoke spoken started stated status steady straight such sufficient
super support supported sure team tested than thank thanks that that's the their them then there
therefore these they thing this those thx ticket time to today together tomorrow top totally
turnaround ty understood us useful valid validated value verified very view was way we weekend
welcome well went were wfm which will with within wonderful work worked works yay yea yeah yep yes
you your yours yup
"""
_DE = """
abgesegnet abgestimmt absolut absprache alle allen alles also am an anbei angenommen antrag
antrags auf aus ausfuehren ausfuhren ausgefuhrt ausgezeichnet beantragt bei beim besprechung
besprochen bestaetige bestaetigt bestatige bestatigt beste besten bewilligt da dabei dafuer dafur
dank danke dankeschon das dazu dem den denn der des die dies diese dieser dieses du durch
durchfuhren ein eine einen einer einfach einverstanden einwandfrei er erledigt erteile erteilt es
euch eure finanzen frau fraue frei freigabe freigeben freigegeben freundlich freundliche
freundlichen freundlicher freut fuer fur ganz gebe geben gefaellt gefallt gegeben gehe geht
gelesen gemaess gemass gemeinsam genau genehmige genehmigen genehmigt genehmigung geprueft gepruft
gern gerne geschafft gesehen gezeigt gleich grossartig gruenes gruesse gruessen grun grunes gruss
grusse grussen gut gute guten guter gutes hab habe haben hallo herr hervorragend herzlich
herzliche herzlichen hiermit hurra ich ihm ihn ihnen ihr ihre im in ist ja jap jawohl jep jo jup
kein klar klasse kollege kollegen konform korrekt laeuft lauft laut lese lg licht lieb liebe
lieber liebes lob los mein meine meinem meinen meiner meinerseits mfg mir mit morgen na nach
natuerlich naturlich nett nun ok okay okidoki passend passt perfekt prima pruefung prufung quote
raus recht richtig richtlinie richtlinien schoen schoene schoenen schon schone schonen sehe sehr
seite seitens selbstverstaendlich selbstverstandlich sicher sie sieht sind so sofort spitze stimme
stimmen stimmig stimmt super tag tip-top tippitoppi toll top uber ueber uns unser unsere unserer
verstanden vg viel viele vielen voellig voll vollig vom von vorgelegt vorgeschlagen vorschlag war
weiter weiteren weitermachen werden wie wir wird wochenende wohl wunderbar zu zufrieden zugestimmt
zum zur zustimme zustimmung
"""
_FR = """
a accord ai aime ainsi allez allez-y apprecie approbation approuve approuvee approuvees approuves
au aucun autorise autorisee aux avec beaucoup bien bon bonjour bonne bonsoir bravo c'est ca ce
ceci cela certainement cet cette chose clair comme compris compta comptabilite confirme confirmee
confirmes conforme cordialement correct correcte cote d'accord d'apres dans de demande des donne
donner du elle en entendu envoi equipe est et evidemment exact exactement excellent fait feu
finances il ils j'accepte j'ai j'approuve j'autorise j'en je journee juridique l'accord l'ensemble
l'offre la le les leur lu lue ma mais-oui meilleures merci mes moi mon nickel nos note notre nous
offre ok on ouais oui par parfait parfaite parfaitement part plaisir point politique possible pour
presente propose proposee qu'il que qui r ras regle regles resolu reviens revu s s'il sa salut
salutations se ses soit son souci suis sujet super sur t'en tes toi ton top tous tout toute toutes
tres tu un une va validation valide validee validees vas vas-y vers vert verte voila vos votre
vous vu y
"""
_ES = """
a aceptada aceptado acepto acuerdo adelante al aprobacion aprobada aprobado aprobamos apruebo asi
atentamente autorizada autorizado autorizamos autorizo bien bo buena buenas bueno buenos claro
como con confirmada confirmado confirmo conforme cordial cordiales correcta correcto dale de del
dia dias ejecutar el ella en es esta este esto estoy excelente favor finanzas firmado genial
gracias gran ha hacer he hecha hecho hola la las le leido listo lo los luz me mi mis muchas mucho
muchos muy ningun ninguna novedad nuestra nuestro o objeciones ok parte perfecta perfecto por
porque problema procede proceder propuesta que queda revisada revisado revisamos saludo saludos se
sea segun seguro senal señal si solicitud su supuesto sus tal te todo todos tu un una va vale
valida valido vamos vb venga verde vez visto vo vobo y yo
"""
_IT = """
a accettato accordo al alla approvata approvato approvazione approviamo approvo autorizzata
autorizzato autorizzo bene benissimo buon buona buonasera buono certamente certo che chiaro ciao
come con confermata confermato confermo conforme cordiali corretto d'accordo da del della di
distinti e ecco esatto eseguire fatta fatto finanza firmato giornata giorno grazie ho i il in io
la le letto lo luce mi mia ottima ottimo parte per perfetta perfetto posto procedere procedete
procedi proposta proposto quanto quello questa questo richiesta rivisto saluti sara si sono sta
tutta tutti tutto un una va vabene vale verde verificato visto
"""
_PT = """
a aceite aceito acordo ao aprovacao aprovada aprovado aprovamos aprovo as atenciosamente
autorizada autorizado autorizo beleza bem boa bom certo claro com como concordo confirmada
confirmado confirmo conforme correta correto da das de dia do dos e em esta este estou feito
financas foi grato isso lido luz meu minha muito na no nossa nosso o obrigada obrigado ok os otima
otimo para parte pela pelo perfeita perfeito por proposta proposto que revisado sao saudacoes
seguir seguro sim solicitacao tarde tudo um uma valido verde verificado visto
"""
_NL = """
aan akkoord alles beste bevestig bevestigd bij correct dag dank dankje dankjewel dat de deze die
dit door doorgaan duidelijk een eens en ga gaan gecontroleerd gelezen gezien goed goede
goedgekeurd goedgevonden goedkeuring groen groet groeten heb hebben het hier hierbij ik in is ja
keur klopt licht lijkt mee met mij mijn mooi namens oke okee ons onze op perfect prettige prima
snel super top uitstekend uitvoeren van verzoek voor voorgesteld vriendelijke wat we weekend wij
zo
"""
ASSENT = frozenset(" ".join((_EN, _DE, _FR, _ES, _IT, _PT, _NL)).split())
